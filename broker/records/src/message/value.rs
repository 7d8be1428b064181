//! What a field can hold, and how each kind is read and written in place.
//!
//! The trait is object-safe on purpose: coding reaches every field through `dyn Value`, so that a message costs
//! the compiler a table and two lookups, not a copy of the codec.

use std::fmt;

use bytes::Bytes;
use model::Uuid;

use super::{Fallback, Field, Message, RecordBytes, Type, coding};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};

/// Where a value stands: its field and the version that is being read or written.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The field, also for the elements of an array.
    pub field: &'static Field,
    /// The version of the message.
    pub version: i16,
    /// Compact lengths and tagged fields.
    pub flexible: bool,
    /// The value may be null here.
    pub nullable: bool,
}

impl Place {
    pub(super) fn of(field: &'static Field, version: i16, flexible: bool) -> Place {
        Place { field, version, flexible, nullable: field.nullable.contains(version) }
    }

    /// The place of an array's elements, which are never null.
    pub(super) fn element(self) -> Place {
        Place { nullable: false, ..self }
    }

    /// Null, where it is allowed.
    fn null<T>(self) -> Result<Option<T>, DecodeError> {
        if self.nullable { Ok(None) } else { Err(DecodeError::UnexpectedNull) }
    }

    /// Refuses to write null where it is not allowed.
    fn check_null(self) -> Result<(), EncodeError> {
        if self.nullable {
            return Ok(());
        }
        Err(EncodeError::UnexpectedNull { field: self.field.name, version: self.version })
    }

    fn check_length(self, written: bool) -> Result<(), EncodeError> {
        if written { Ok(()) } else { Err(EncodeError::TooLong { field: self.field.name }) }
    }
}

/// A value of a field, read and written in place.
pub trait Value {
    /// Reads over the value, which holds its default.
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError>;
    /// Writes the value.
    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError>;
    /// True when the value is what an absent field would have.
    fn is_default(&self, default: Fallback) -> bool;
    /// Prints the value; bytes and records by length only.
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A Rust type that a field can be declared with.
pub trait Typed: Sized {
    /// The type in the schemas' terms.
    const TYPE: Type;
    /// True when the type has a place for null.
    const OPTIONAL: bool = false;
    /// The value of a field that is absent or was not set.
    fn initial(default: Fallback) -> Self;
}

/// The elements of an array, reached one by one. What coding sees of a `Vec`.
pub trait List {
    /// How many elements there are.
    fn count(&self) -> usize;
    /// One of them.
    fn element(&self, index: usize) -> &dyn Value;
    /// Bytes of memory that one takes.
    fn element_size(&self) -> usize;
    /// Makes room for exactly so many more.
    fn reserve(&mut self, count: usize);
    /// Appends a default element, to be read over.
    fn push_default(&mut self) -> &mut dyn Value;
}

macro_rules! numbers {
    ($($rust:ident $method:ident $ty:ident),* $(,)?) => { $(
        impl Value for $rust {
            fn decode_value(&mut self, reader: &mut Reader, _: Place) -> Result<(), DecodeError> {
                *self = reader.$method()?;
                Ok(())
            }

            fn encode_value(&self, writer: &mut Writer, _: Place) -> Result<(), EncodeError> {
                writer.$method(*self);
                Ok(())
            }

            fn is_default(&self, default: Fallback) -> bool {
                *self == <$rust as Typed>::initial(default)
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }

        impl Typed for $rust {
            const TYPE: Type = Type::$ty;

            fn initial(default: Fallback) -> $rust {
                match default {
                    Fallback::Int(value) => value as $rust,
                    _ => 0 as $rust,
                }
            }
        }
    )* };
}

numbers!(i8 i8 Int8, i16 i16 Int16, u16 u16 Uint16, i32 i32 Int32, u32 u32 Uint32, i64 i64 Int64, f64 f64 Float64);

impl Value for bool {
    fn decode_value(&mut self, reader: &mut Reader, _: Place) -> Result<(), DecodeError> {
        *self = reader.bool()?;
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, _: Place) -> Result<(), EncodeError> {
        writer.bool(*self);
        Ok(())
    }

    fn is_default(&self, default: Fallback) -> bool {
        *self == (default == Fallback::True)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Typed for bool {
    const TYPE: Type = Type::Bool;

    fn initial(default: Fallback) -> bool {
        default == Fallback::True
    }
}

impl Value for Uuid {
    fn decode_value(&mut self, reader: &mut Reader, _: Place) -> Result<(), DecodeError> {
        *self = reader.uuid()?;
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, _: Place) -> Result<(), EncodeError> {
        writer.uuid(*self);
        Ok(())
    }

    fn is_default(&self, _: Fallback) -> bool {
        *self == Uuid::ZERO
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Typed for Uuid {
    const TYPE: Type = Type::Uuid;

    fn initial(_: Fallback) -> Uuid {
        Uuid::ZERO
    }
}

impl Value for String {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        *self = reader.string(place.flexible)?;
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        place.check_length(writer.string_length(Some(self.len()), place.flexible))?;
        writer.raw(self.as_bytes());
        Ok(())
    }

    fn is_default(&self, _: Fallback) -> bool {
        self.is_empty()
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Typed for String {
    const TYPE: Type = Type::String;

    fn initial(_: Fallback) -> String {
        String::new()
    }
}

impl Value for Option<String> {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        *self = match reader.nullable_string(place.flexible)? {
            None => place.null()?,
            some => some,
        };
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        match self {
            Some(text) => text.encode_value(writer, place),
            None => {
                place.check_null()?;
                place.check_length(writer.string_length(None, place.flexible))
            }
        }
    }

    fn is_default(&self, default: Fallback) -> bool {
        is_default_option(self, default)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Typed for Option<String> {
    const TYPE: Type = Type::String;
    const OPTIONAL: bool = true;

    fn initial(default: Fallback) -> Option<String> {
        initial_option(default)
    }
}

impl Value for Bytes {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        *self = reader.nullable_bytes(place.flexible)?.ok_or(DecodeError::UnexpectedNull)?;
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        place.check_length(writer.long_length(Some(self.len()), place.flexible))?;
        writer.shared(self);
        Ok(())
    }

    fn is_default(&self, _: Fallback) -> bool {
        self.is_empty()
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.len())
    }
}

impl Typed for Bytes {
    const TYPE: Type = Type::Bytes;

    fn initial(_: Fallback) -> Bytes {
        Bytes::new()
    }
}

impl Value for Option<Bytes> {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        *self = match reader.nullable_bytes(place.flexible)? {
            None => place.null()?,
            some => some,
        };
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        match self {
            Some(bytes) => bytes.encode_value(writer, place),
            None => {
                place.check_null()?;
                place.check_length(writer.long_length(None, place.flexible))
            }
        }
    }

    fn is_default(&self, default: Fallback) -> bool {
        is_default_option(self, default)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_option(self.as_ref().map(|bytes| bytes as &dyn Value), f)
    }
}

impl Typed for Option<Bytes> {
    const TYPE: Type = Type::Bytes;
    const OPTIONAL: bool = true;

    fn initial(default: Fallback) -> Option<Bytes> {
        initial_option(default)
    }
}

impl Value for RecordBytes {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        *self = reader.nullable_bytes(place.flexible)?.unwrap_or_default().into();
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        place.check_length(writer.long_length(Some(self.len()), place.flexible))?;
        self.segments().for_each(|segment| writer.shared(segment));
        Ok(())
    }

    fn is_default(&self, _: Fallback) -> bool {
        self.is_empty()
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Typed for RecordBytes {
    const TYPE: Type = Type::Records;
    const OPTIONAL: bool = true;

    fn initial(_: Fallback) -> RecordBytes {
        RecordBytes::new()
    }
}

impl<T: Message> Value for T {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        coding::decode_structure(self, reader, place.version, place.flexible)
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        coding::encode_structure(self, writer, place.version, place.flexible)
    }

    fn is_default(&self, _: Fallback) -> bool {
        coding::is_default(self)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        coding::debug(self, f)
    }
}

/// A structure that may be null is written with a byte before it: -1 for null, 1 otherwise.
impl<T: Message> Value for Option<T> {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        if place.nullable && reader.i8()? < 0 {
            *self = None;
            return Ok(());
        }
        coding::decode_structure(self.insert(T::default()), reader, place.version, place.flexible)
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        let Some(structure) = self else {
            place.check_null()?;
            writer.i8(-1);
            return Ok(());
        };
        if place.nullable {
            writer.i8(1);
        }
        coding::encode_structure(structure, writer, place.version, place.flexible)
    }

    fn is_default(&self, default: Fallback) -> bool {
        is_default_option(self, default)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_option(self.as_ref().map(|structure| structure as &dyn Value), f)
    }
}

impl<T: Message + Typed> Typed for Option<T> {
    const TYPE: Type = T::TYPE;
    const OPTIONAL: bool = true;

    fn initial(default: Fallback) -> Option<T> {
        initial_option(default)
    }
}

impl<T: Value + Typed> List for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn element(&self, index: usize) -> &dyn Value {
        &self[index]
    }

    fn element_size(&self) -> usize {
        size_of::<T>()
    }

    fn reserve(&mut self, count: usize) {
        self.reserve_exact(count);
    }

    fn push_default(&mut self) -> &mut dyn Value {
        self.push(T::initial(Fallback::Empty));
        self.last_mut().expect("an element was just pushed")
    }
}

impl<T: Value + Typed> Value for Vec<T> {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        let count = reader.long_length(place.flexible)?.ok_or(DecodeError::UnexpectedNull)?;
        coding::decode_list(self, count, reader, place)
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        coding::encode_list(self, writer, place)
    }

    fn is_default(&self, _: Fallback) -> bool {
        self.is_empty()
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        coding::debug_list(self, f)
    }
}

impl<T: Typed> Typed for Vec<T> {
    const TYPE: Type = Type::Array(&T::TYPE);

    fn initial(_: Fallback) -> Vec<T> {
        Vec::new()
    }
}

impl<T: Value + Typed> Value for Option<Vec<T>> {
    fn decode_value(&mut self, reader: &mut Reader, place: Place) -> Result<(), DecodeError> {
        match reader.long_length(place.flexible)? {
            None => *self = place.null()?,
            Some(count) => coding::decode_list(self.insert(Vec::new()), count, reader, place)?,
        }
        Ok(())
    }

    fn encode_value(&self, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
        match self {
            Some(list) => coding::encode_list(list, writer, place),
            None => {
                place.check_null()?;
                place.check_length(writer.long_length(None, place.flexible))
            }
        }
    }

    fn is_default(&self, default: Fallback) -> bool {
        is_default_option(self, default)
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_option(self.as_ref().map(|list| list as &dyn Value), f)
    }
}

impl<T: Typed> Typed for Option<Vec<T>> {
    const TYPE: Type = Type::Array(&T::TYPE);
    const OPTIONAL: bool = true;

    fn initial(default: Fallback) -> Option<Vec<T>> {
        initial_option(default)
    }
}

/// The default of what may be null: null, or the empty value. Kafka's rule, also for fields never set.
fn initial_option<T: Typed>(default: Fallback) -> Option<T> {
    if default == Fallback::Null { None } else { Some(T::initial(Fallback::Empty)) }
}

fn is_default_option<T: Value>(value: &Option<T>, default: Fallback) -> bool {
    match value {
        None => default == Fallback::Null,
        Some(value) => default != Fallback::Null && value.is_default(Fallback::Empty),
    }
}

fn print_option(value: Option<&dyn Value>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Some(value) => value.print(f),
        None => f.write_str("null"),
    }
}
