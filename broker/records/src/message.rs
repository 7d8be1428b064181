//! Declaring messages: one readable declaration, a plain struct, and no code of its own.
//!
//! ```
//! # use tidemark_records as records;
//! use records::codec::{Reader, Writer};
//! use records::message::Message;
//!
//! records::message! {
//!     /// Asks for a greeting. The strings are the version ranges of Kafka's JSON schemas.
//!     pub struct GreetingRequest("0-3", flexible "2+") {
//!         /// Who is greeted; nobody in particular when null.
//!         name: Option<String>, "0+", nullable("1+");
//!         /// Where, from version 1 on; older peers need not know.
//!         places: Vec<Place>, "1+", ignorable;
//!         /// How often.
//!         times: i32, "3+", default(-1), tag(0, "3+");
//!     }
//!     /// A part of the message: it has the versions of the message that holds it.
//!     pub struct Place {
//!         /// Its name.
//!         name: String, "0+";
//!     }
//! }
//!
//! let greeting = GreetingRequest { name: Some("Ada".into()), ..GreetingRequest::default() };
//! let mut writer = Writer::new();
//! greeting.encode(&mut writer, 3).unwrap();
//! let decoded = GreetingRequest::decode(&mut Reader::new(writer.into_bytes()), 3).unwrap();
//! assert_eq!(decoded, greeting);
//! ```
//!
//! After a field's name, type and versions come, in any order: `nullable("1+")` (the type is then an
//! `Option`), `default(-1)`, `default_true`, `default_null`, `ignorable`, `tag(0, "3+")`, `records`: the const
//! methods of [`Field`]. A field left out of a version keeps its default; encoding another value there is an
//! error unless the field is ignorable, as in Kafka. A nullable field without `default_null` defaults to the
//! empty value, not to null: Kafka's rule too, so name such fields when you build a message.
//!
//! What the macro writes for a message is a table and a way to reach each field as [`Value`]; decoding,
//! encoding and printing are single functions over tables (`coding.rs`), so that a hundred messages
//! cost the compiler little.

mod coding;
mod record_bytes;
mod schema;
mod value;

use std::fmt;

pub use record_bytes::RecordBytes;
pub use schema::{Fallback, Field, Schema, Type, Versions};
pub use value::{List, Place, Typed, Value};

use crate::codec::{DecodeError, EncodeError, Reader, Writer};

/// A structure whose fields can be reached by their place in its table. Implemented by [`message!`](crate::message!).
pub trait Structure {
    /// The table.
    fn schema(&self) -> &'static Schema;
    /// The field at `index` of the table.
    fn field(&self, index: usize) -> &dyn Value;
    /// The field at `index` of the table, to be changed.
    fn field_mut(&mut self, index: usize) -> &mut dyn Value;
}

/// A message or a part of one, declared with [`message!`](crate::message!).
pub trait Message: Structure + Default + Clone + PartialEq + fmt::Debug + Sized + 'static {
    /// The table that the declaration became.
    const SCHEMA: &'static Schema;

    /// Reads a message at `version`. Unknown tagged fields are passed over; bytes after the message stay in the
    /// reader. On an error [`Reader::field`] names the field.
    fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        coding::decode_message(&mut message, reader, version)?;
        Ok(message)
    }

    /// Writes the message at `version`. On an error the writer holds a part of it and is of no more use.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError> {
        coding::encode_message(self, writer, version)
    }
}

/// Declares messages: see the [module](mod@crate::message).
#[macro_export]
macro_rules! message {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident $(($versions:literal $(, flexible $flexible:literal)?))? {
            $(
                $(#[$field_doc:meta])*
                $field:ident : $ty:ty, $field_versions:literal
                $(, $attribute:ident $(($($argument:expr),*))?)* ;
            )*
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: $ty, )*
        }

        const _: () = {
            #[allow(unused_imports)]
            use $crate::message::{Field, Message, Schema, Structure, Type, Typed, Value, Versions};

            const FIELDS: &[Field] = &[$(
                Field::new(stringify!($field), <$ty as Typed>::TYPE, <$ty as Typed>::OPTIONAL, $field_versions)
                    $(. $attribute ($($($argument),*)?))*
            ),*];

            #[allow(non_camel_case_types)]
            enum Index { $($field,)* Count }

            impl Message for $name {
                const SCHEMA: &'static Schema = &Schema {
                    name: stringify!($name),
                    versions: $crate::message!(@versions $($versions)?),
                    flexible: $crate::message!(@flexible $($($flexible)?)?),
                    fields: FIELDS,
                };
            }

            impl Structure for $name {
                fn schema(&self) -> &'static Schema {
                    <$name as Message>::SCHEMA
                }

                fn field(&self, index: usize) -> &dyn Value {
                    match index {
                        $( index if index == Index::$field as usize => &self.$field, )*
                        _ => unreachable!("a table has {} fields, not {index}", Index::Count as usize),
                    }
                }

                fn field_mut(&mut self, index: usize) -> &mut dyn Value {
                    match index {
                        $( index if index == Index::$field as usize => &mut self.$field, )*
                        _ => unreachable!("a table has {} fields, not {index}", Index::Count as usize),
                    }
                }
            }

            impl Default for $name {
                fn default() -> $name {
                    $name { $( $field: Typed::initial(FIELDS[Index::$field as usize].default), )* }
                }
            }

            impl Typed for $name {
                const TYPE: Type = Type::Struct(<$name as Message>::SCHEMA);

                fn initial(_: $crate::message::Fallback) -> $name {
                    <$name as Default>::default()
                }
            }

            impl ::std::fmt::Debug for $name {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    $crate::message::debug(self, f)
                }
            }
        };
    )* };
    (@versions) => { Versions::ALL };
    (@versions $versions:literal) => { Versions::parse($versions) };
    (@flexible) => { Versions::NONE };
    (@flexible $flexible:literal) => { Versions::parse($flexible) };
}

/// Prints a structure with the names of its fields; bytes and records by length only.
#[doc(hidden)]
pub fn debug(structure: &dyn Structure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    coding::debug(structure, f)
}

#[cfg(test)]
#[path = "message_test.rs"]
mod tests;
