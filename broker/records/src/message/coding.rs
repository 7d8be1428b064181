//! The coding of structures, once for all messages: loops over tables, not generated code.

use std::fmt;

use super::{Field, List, Place, Schema, Structure, Type, Value};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};

/// Reads a message into a structure that holds its defaults.
pub(super) fn decode_message(
    structure: &mut dyn Structure,
    reader: &mut Reader,
    version: i16,
) -> Result<(), DecodeError> {
    let schema = structure.schema();
    if !schema.versions.contains(version) {
        return Err(DecodeError::UnsupportedVersion);
    }
    decode_structure(structure, reader, version, schema.flexible.contains(version))
}

/// Writes a message.
pub(super) fn encode_message(
    structure: &dyn Structure,
    writer: &mut Writer,
    version: i16,
) -> Result<(), EncodeError> {
    let schema = structure.schema();
    if !schema.versions.contains(version) {
        return Err(EncodeError::UnsupportedVersion { message: schema.name, version });
    }
    encode_structure(structure, writer, version, schema.flexible.contains(version))
}

/// Reads a structure that holds its defaults: its fields in order, then, when flexible, its tagged fields.
pub(super) fn decode_structure(
    structure: &mut dyn Structure,
    reader: &mut Reader,
    version: i16,
    flexible: bool,
) -> Result<(), DecodeError> {
    let schema = structure.schema();
    for (index, field) in schema.fields.iter().enumerate() {
        if field.versions.contains(version) && !field.tagged.contains(version) {
            reader.begin_field(field.name);
            structure.field_mut(index).decode_value(reader, Place::of(field, version, flexible))?;
        }
    }
    if flexible { decode_tagged(structure, schema, reader, version) } else { Ok(()) }
}

/// Reads the tagged fields of a structure. Those that the table does not know are passed over.
fn decode_tagged(
    structure: &mut dyn Structure,
    schema: &'static Schema,
    reader: &mut Reader,
    version: i16,
) -> Result<(), DecodeError> {
    assert!(schema.fields.len() <= 64, "the set of tags seen has 64 places");
    let mut seen = 0u64;
    for _ in 0..reader.uvarint()? {
        let tag = reader.uvarint()?;
        let size = reader.uvarint()? as usize;
        let known = schema.fields.iter().position(|field| field.tag == tag && field.tagged.contains(version));
        let Some(index) = known else {
            reader.skip(size)?;
            continue;
        };
        if seen & (1 << index) != 0 {
            return Err(DecodeError::DuplicateTag);
        }
        seen |= 1 << index;
        let field = &schema.fields[index];
        reader.begin_field(field.name);
        let outer = reader.narrow(size)?;
        structure.field_mut(index).decode_value(reader, Place::of(field, version, true))?;
        reader.widen(outer)?;
    }
    Ok(())
}

/// Writes a structure; see [`decode_structure`]. A tagged field is written when it differs from its default.
pub(super) fn encode_structure(
    structure: &dyn Structure,
    writer: &mut Writer,
    version: i16,
    flexible: bool,
) -> Result<(), EncodeError> {
    let mut tagged = 0;
    for (index, field) in structure.schema().fields.iter().enumerate() {
        let value = structure.field(index);
        if !field.versions.contains(version) {
            if !field.ignorable && !value.is_default(field.default) {
                return Err(EncodeError::FieldNotInVersion { field: field.name, version });
            }
        } else if field.tagged.contains(version) {
            tagged += u32::from(!value.is_default(field.default));
        } else {
            value.encode_value(writer, Place::of(field, version, flexible))?;
        }
    }
    if flexible {
        writer.uvarint(tagged);
        encode_tagged(structure, writer, version, tagged)
    } else {
        assert!(tagged == 0, "only flexible versions have tagged fields");
        Ok(())
    }
}

/// Writes the `left` tagged fields that are not at their defaults, by ascending tag.
fn encode_tagged(
    structure: &dyn Structure,
    writer: &mut Writer,
    version: i16,
    mut left: u32,
) -> Result<(), EncodeError> {
    let fields = structure.schema().fields;
    for tag in 0.. {
        if left == 0 {
            break;
        }
        let is_next = |field: &Field| field.tag == tag && field.tagged.contains(version);
        let Some(index) = fields.iter().position(is_next) else { continue };
        let (field, value) = (&fields[index], structure.field(index));
        if value.is_default(field.default) {
            continue;
        }
        left -= 1;
        writer.uvarint(tag);
        let begin = writer.begin_sized();
        value.encode_value(writer, Place::of(field, version, true))?;
        if !writer.end_sized(begin) {
            return Err(EncodeError::TooLong { field: field.name });
        }
    }
    Ok(())
}

/// True when every field has its default.
pub(super) fn is_default(structure: &dyn Structure) -> bool {
    let fields = structure.schema().fields;
    fields.iter().enumerate().all(|(index, field)| structure.field(index).is_default(field.default))
}

/// Reads `count` elements into an empty list, having checked and charged for them.
pub(super) fn decode_list(
    list: &mut dyn List,
    count: usize,
    reader: &mut Reader,
    place: Place,
) -> Result<(), DecodeError> {
    let Type::Array(element) = place.field.ty else { unreachable!("a list is declared as an array") };
    if count > reader.remaining() / element.min_size(place.version, place.flexible) {
        return Err(DecodeError::ArrayTooLong);
    }
    reader.charge(count.saturating_mul(list.element_size()))?;
    list.reserve(count);
    for _ in 0..count {
        list.push_default().decode_value(reader, place.element())?;
    }
    Ok(())
}

/// Writes the length and the elements of a list.
pub(super) fn encode_list(list: &dyn List, writer: &mut Writer, place: Place) -> Result<(), EncodeError> {
    if !writer.long_length(Some(list.count()), place.flexible) {
        return Err(EncodeError::TooLong { field: place.field.name });
    }
    for index in 0..list.count() {
        list.element(index).encode_value(writer, place.element())?;
    }
    Ok(())
}

/// Prints a structure with the names of its fields.
pub(super) fn debug(structure: &dyn Structure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let schema = structure.schema();
    let mut out = f.debug_struct(schema.name);
    for (index, field) in schema.fields.iter().enumerate() {
        out.field(field.name, &Printed(structure.field(index)));
    }
    out.finish()
}

/// Prints a list.
pub(super) fn debug_list(list: &dyn List, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_list().entries((0..list.count()).map(|index| Printed(list.element(index)))).finish()
}

struct Printed<'a>(&'a dyn Value);

impl fmt::Debug for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(f)
    }
}
