//! What a row of the config table says, and finding a row by name.

use super::value::{ConfigError, Value};
use super::{broker_table, kafka_names, topic_table};

/// What a config applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One node: its file and command line, or a dynamic override for it or for all brokers.
    Broker,
    /// One topic: an override, or the default that the broker's config of another name gives.
    Topic,
}

/// How the text of a value is read, and what DescribeConfigs calls the type (KIP-569).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Bool,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Long,
    /// A 16-bit integer.
    Short,
    /// A floating point number.
    Double,
    /// Text, trimmed.
    Text,
    /// Texts separated by commas; the empty text is the empty list.
    List,
}

impl Kind {
    /// Kafka's name of the type, as its messages spell it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "BOOLEAN",
            Kind::Int => "INT",
            Kind::Long => "LONG",
            Kind::Short => "SHORT",
            Kind::Double => "DOUBLE",
            Kind::Text => "STRING",
            Kind::List => "LIST",
        }
    }

    /// The type's number in DescribeConfigs responses (field `ConfigType`, version 3 and up).
    pub fn code(self) -> i8 {
        match self {
            Kind::Bool => 1,
            Kind::Text => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
        }
    }
}

/// Which values of its type a config takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// All of them.
    Any,
    /// Numbers from this one up.
    AtLeast(i64),
    /// Numbers from the first to the second, both included.
    Between(i64, i64),
    /// Real numbers from the first to the second, both included.
    Within(f64, f64),
    /// 1 to 9, or -1 for zlib's own default.
    GzipLevel,
    /// One of these texts, exactly.
    OneOf(&'static [&'static str]),
    /// A list without duplicates or empty members, of these texts when there are any.
    ListOf {
        /// The members allowed; when there are none here, all are.
        of: &'static [&'static str],
        /// Whether the list may have no members.
        empty: bool,
    },
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

/// Whether a config may change while the broker runs, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only by a restart.
    Restart,
    /// For one broker.
    PerBroker,
    /// For one broker, or for all of them at once.
    ClusterWide,
    /// For one topic.
    Topic,
}

/// Whether setting a config does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The broker does what it says.
    Obeyed,
    /// It is parsed, checked, stored and described, and changes nothing: what it would govern does not exist here
    /// (yet), or has nothing to be tuned.
    AcceptedWithoutEffect,
}

/// What a broker's config is measured in, as compared with the topic config that takes its default from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The same unit.
    Same,
    /// Minutes where the topic's config has milliseconds.
    Minutes,
    /// Hours where the topic's config has milliseconds.
    Hours,
}

/// A broker's config that gives a topic's config its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The broker's name for it.
    pub name: &'static str,
    /// What that one is measured in.
    pub unit: Unit,
}

/// One config: a row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Kafka's name for it, or one that begins with `tidemark.`.
    pub name: &'static str,
    /// What it applies to.
    pub scope: Scope,
    /// How its text is read.
    pub kind: Kind,
    /// The text that stands when nobody set it; none where being unset means something of its own.
    pub default: Option<&'static str>,
    /// Which values it takes.
    pub check: Check,
    /// Whether it may change while the broker runs.
    pub change: Change,
    /// Whether it is obeyed.
    pub effect: Effect,
    /// For topics: the broker's configs that give the default, the first one set wins.
    pub synonyms: &'static [Synonym],
    /// Left out of listings unless it was set.
    pub internal: bool,
}

impl Entry {
    /// Reads and checks a value for this config, with Kafka's message when it is refused.
    pub fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        Value::parse(self, text)
    }

    /// The default's value. Panics for a config without one: the callers name configs of the table that have it.
    pub fn default_value(&self) -> Value {
        let text = self.default.expect("a config with a default");
        self.parse(text).expect("defaults in the table satisfy their own checks")
    }

    const fn new(name: &'static str, scope: Scope, kind: Kind, default: Option<&'static str>) -> Entry {
        let change = match scope {
            Scope::Broker => Change::Restart,
            Scope::Topic => Change::Topic,
        };
        let (check, effect) = (Check::Any, Effect::AcceptedWithoutEffect);
        Entry { name, scope, kind, default, check, change, effect, synonyms: &[], internal: false }
    }

    pub(super) const fn topic(name: &'static str, kind: Kind, default: &'static str) -> Entry {
        Entry::new(name, Scope::Topic, kind, Some(default))
    }

    pub(super) const fn broker(name: &'static str, kind: Kind, default: &'static str) -> Entry {
        Entry::new(name, Scope::Broker, kind, Some(default))
    }

    /// Without a default, and therefore usually unset.
    pub(super) const fn unset(self) -> Entry {
        Entry { default: None, ..self }
    }

    pub(super) const fn check(self, check: Check) -> Entry {
        Entry { check, ..self }
    }

    pub(super) const fn obeyed(self) -> Entry {
        Entry { effect: Effect::Obeyed, ..self }
    }

    pub(super) const fn change(self, change: Change) -> Entry {
        Entry { change, ..self }
    }

    pub(super) const fn from(self, synonyms: &'static [Synonym]) -> Entry {
        Entry { synonyms, ..self }
    }

    pub(super) const fn internal(self) -> Entry {
        Entry { internal: true, ..self }
    }
}

/// Every config of a scope, ordered by name.
pub fn table(scope: Scope) -> &'static [Entry] {
    match scope {
        Scope::Broker => broker_table::BROKER,
        Scope::Topic => topic_table::TOPIC,
    }
}

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    /// In the table.
    Known(&'static Entry),
    /// Kafka 4.3 has it; Tidemark does not know what to do with it.
    KafkaOnly,
    /// Neither has it: most often a misspelling.
    Unknown,
}

/// Finds a config by its exact name.
pub fn lookup(scope: Scope, name: &str) -> Lookup {
    let entries = table(scope);
    match entries.binary_search_by(|entry| entry.name.cmp(name)) {
        Ok(at) => Lookup::Known(&entries[at]),
        Err(_) if scope == Scope::Broker && kafka_names::has_broker_config(name) => Lookup::KafkaOnly,
        Err(_) => Lookup::Unknown,
    }
}

/// A row that the code names itself. Panics when the table lacks it, which the tests of this module would show.
pub(super) fn row(scope: Scope, name: &str) -> &'static Entry {
    match lookup(scope, name) {
        Lookup::Known(entry) => entry,
        Lookup::KafkaOnly | Lookup::Unknown => panic!("config {name} is missing from the table"),
    }
}
