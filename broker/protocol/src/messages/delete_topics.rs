//! DeleteTopics (key 20), versions 1 to 6.
//!
//! Version 4 is the first flexible one, 5 answers in words, 6 names topics by id as well (KIP-516).

use super::pair;
use model::Uuid;

records::message! {
    /// The topics to delete: `topics` from version 6 on, `topic_names` before.
    pub struct DeleteTopicsRequest("1-6", flexible "4+") {
        /// Topics by name or by id.
        topics: Vec<DeleteTopicState>, "6+";
        /// Topics by name.
        topic_names: Vec<String>, "0-5", ignorable;
        /// Milliseconds to wait until they are gone.
        timeout_ms: i32, "0+";
    }

    /// One topic of a request.
    pub struct DeleteTopicState {
        /// Its name, null to delete by id.
        name: Option<String>, "6+", nullable("6+"), default_null;
        /// Its id, zero to delete by name.
        topic_id: Uuid, "6+";
    }

    /// What became of them.
    pub struct DeleteTopicsResponse("1-6", flexible "4+") {
        /// Milliseconds for which a quota held the answer back.
        throttle_time_ms: i32, "1+", ignorable;
        /// The topics.
        responses: Vec<DeletableTopicResult>, "0+";
    }

    /// One topic of an answer.
    pub struct DeletableTopicResult {
        /// Its name; null when it was to be deleted by an id that is not known.
        name: Option<String>, "0+", nullable("6+");
        /// Its id.
        topic_id: Uuid, "6+", ignorable;
        /// Zero, or why it was not deleted.
        error_code: i16, "0+";
        /// What was wrong, in words.
        error_message: Option<String>, "5+", nullable("5+"), default_null, ignorable;
    }
}

pair!(DeleteTopics: DeleteTopicsRequest, DeleteTopicsResponse);
