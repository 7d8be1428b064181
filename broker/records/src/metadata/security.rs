//! Records of access rules and credentials.

use bytes::Bytes;
use model::Uuid;

crate::message! {
    /// An access rule.
    pub struct AccessControlEntryRecord("0", flexible "0+") {
        /// Its id.
        id: Uuid, "0+";
        /// What it guards, as a number of `ResourceType`.
        resource_type: i8, "0+";
        /// The guarded thing's name.
        resource_name: String, "0+";
        /// How names are matched, as a number of `PatternType`.
        pattern_type: i8, "0+";
        /// Who.
        principal: String, "0+";
        /// From where.
        host: String, "0+";
        /// What is done, as a number of `AclOperation`.
        operation: i8, "0+";
        /// Allowed or denied, as a number of `AclPermissionType`.
        permission_type: i8, "0+";
    }

    /// An access rule is deleted.
    pub struct RemoveAccessControlEntryRecord("0", flexible "0+") {
        /// Its id.
        id: Uuid, "0+";
    }

    /// A SCRAM credential of a user.
    pub struct UserScramCredentialRecord("0", flexible "0+") {
        /// The user.
        name: String, "0+";
        /// The mechanism, as a number of `ScramMechanism`.
        mechanism: i8, "0+";
        /// The salt that the client drew.
        salt: Bytes, "0+";
        /// The key by which the server knows the client.
        stored_key: Bytes, "0+";
        /// The key by which the client knows the server.
        server_key: Bytes, "0+";
        /// Rounds of hashing.
        iterations: i32, "0+";
    }

    /// A SCRAM credential is deleted.
    pub struct RemoveUserScramCredentialRecord("0", flexible "0+") {
        /// The user.
        name: String, "0+";
        /// The mechanism.
        mechanism: i8, "0+";
    }

    /// A delegation token.
    pub struct DelegationTokenRecord("0", flexible "0+") {
        /// Whose it is.
        owner: String, "0+";
        /// Who asked for it.
        requester: String, "0+";
        /// Who may renew it.
        renewers: Vec<String>, "0+";
        /// When it was issued, in milliseconds like those that follow.
        issue_timestamp: i64, "0+";
        /// When it can't be renewed any more.
        max_timestamp: i64, "0+";
        /// When it has to be renewed.
        expiration_timestamp: i64, "0+";
        /// Its id.
        token_id: String, "0+";
    }

    /// A delegation token is deleted.
    pub struct RemoveDelegationTokenRecord("0", flexible "0+") {
        /// Its id.
        token_id: String, "0+";
    }
}
