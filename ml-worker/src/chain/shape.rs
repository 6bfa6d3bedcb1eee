//! Whether two runtimes mean the same by a type: what is encoded for the one is then right for the other.

use scale_info::{form::PortableForm, Field, PortableRegistry, TypeDef, TypeDefVariant};
use std::collections::HashSet;

/// Compares types of two runtimes. What it has found equal it does not look at again.
pub(super) struct Shapes<'a> {
	known: &'a PortableRegistry,
	node: &'a PortableRegistry,
	/// Pairs that are equal, or that are being looked at: types may contain themselves.
	equal: HashSet<(u32, u32)>,
}

impl<'a> Shapes<'a> {
	/// Of the types of the known runtime and those of the node's.
	pub(super) fn new(known: &'a PortableRegistry, node: &'a PortableRegistry) -> Self {
		Shapes {
			known,
			node,
			equal: HashSet::new(),
		}
	}

	/// Whether a known type and one of the node's are encoded alike and have the same names in them.
	pub(super) fn are_same(&mut self, known: u32, node: u32) -> bool {
		if !self.equal.insert((known, node)) {
			return true;
		}
		let (one, other) = (self.known.resolve(known), self.node.resolve(node));
		let same = match (one, other) {
			(Some(one), Some(other)) => self.are_same_definitions(&one.type_def, &other.type_def),
			_ => false,
		};
		if !same {
			self.equal.remove(&(known, node));
		}
		same
	}

	/// Whether fields are the same, in the same order.
	pub(super) fn are_same_fields(
		&mut self,
		known: &[Field<PortableForm>],
		node: &[Field<PortableForm>],
	) -> bool {
		known.len() == node.len()
			&& known
				.iter()
				.zip(node)
				.all(|(one, other)| one.name == other.name && self.are_same(one.ty.id, other.ty.id))
	}

	fn are_same_definitions(
		&mut self,
		known: &TypeDef<PortableForm>,
		node: &TypeDef<PortableForm>,
	) -> bool {
		use TypeDef::{
			Array, BitSequence, Compact, Composite, Primitive, Sequence, Tuple, Variant,
		};
		match (known, node) {
			(Composite(one), Composite(other)) => self.are_same_fields(&one.fields, &other.fields),
			(Variant(one), Variant(other)) => self.are_same_variants(one, other),
			(Sequence(one), Sequence(other)) => {
				self.are_same(one.type_param.id, other.type_param.id)
			}
			(Array(one), Array(other)) => {
				one.len == other.len && self.are_same(one.type_param.id, other.type_param.id)
			}
			(Tuple(one), Tuple(other)) => {
				one.fields.len() == other.fields.len()
					&& one
						.fields
						.iter()
						.zip(&other.fields)
						.all(|(one, other)| self.are_same(one.id, other.id))
			}
			(Primitive(one), Primitive(other)) => one == other,
			(Compact(one), Compact(other)) => self.are_same(one.type_param.id, other.type_param.id),
			(BitSequence(one), BitSequence(other)) => {
				self.are_same(one.bit_store_type.id, other.bit_store_type.id)
					&& self.are_same(one.bit_order_type.id, other.bit_order_type.id)
			}
			_ => false,
		}
	}

	/// Whether two enumerations have the same variants under the same numbers.
	fn are_same_variants(
		&mut self,
		known: &TypeDefVariant<PortableForm>,
		node: &TypeDefVariant<PortableForm>,
	) -> bool {
		known.variants.len() == node.variants.len()
			&& known.variants.iter().all(|one| {
				let other = node
					.variants
					.iter()
					.find(|other| other.index == one.index && other.name == one.name);
				other.is_some_and(|other| self.are_same_fields(&one.fields, &other.fields))
			})
	}
}

/// Whether a type takes no bytes.
pub(super) fn is_empty(types: &PortableRegistry, id: u32) -> bool {
	let Some(found) = types.resolve(id) else {
		return false;
	};
	match &found.type_def {
		TypeDef::Composite(composite) => composite
			.fields
			.iter()
			.all(|field| is_empty(types, field.ty.id)),
		TypeDef::Tuple(tuple) => tuple.fields.iter().all(|field| is_empty(types, field.id)),
		_ => false,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use scale_info::{MetaType, Registry, TypeInfo};

	/// The registry of one type, behind others that shift its number.
	fn registry<T: TypeInfo + 'static>(others: &[MetaType]) -> (PortableRegistry, u32) {
		let mut registry = Registry::new();
		for other in others {
			registry.register_type(other);
		}
		let id = registry.register_type(&MetaType::new::<T>()).id;
		(registry.into(), id)
	}

	fn are_same<A: TypeInfo + 'static, B: TypeInfo + 'static>() -> bool {
		let (known, a) = registry::<A>(&[]);
		let (node, b) = registry::<B>(&[MetaType::new::<Vec<u64>>(), MetaType::new::<bool>()]);
		Shapes::new(&known, &node).are_same(a, b)
	}

	#[allow(dead_code)] // Only their forms count.
	mod known {
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Move {
			pub(super) round: u32,
			pub(super) slot: u16,
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) enum Party {
			Defender(u8),
			Challenger,
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Tree {
			pub(super) leaf: [u8; 32],
			pub(super) below: Vec<Tree>,
		}
	}

	#[allow(dead_code)] // Only their forms count.
	mod same {
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Move {
			pub(super) round: u32,
			pub(super) slot: u16,
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) enum Party {
			#[codec(index = 1)]
			Challenger,
			#[codec(index = 0)]
			Defender(u8),
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Tree {
			pub(super) leaf: [u8; 32],
			pub(super) below: Vec<Tree>,
		}
	}

	#[allow(dead_code)] // Only their forms count.
	mod other {
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Move {
			pub(super) slot: u16,
			pub(super) round: u32,
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) enum Party {
			Challenger,
			Defender(u8),
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) enum Parties {
			Defender(u8),
			Challenger,
			Nobody,
		}
		#[derive(scale_info::TypeInfo)]
		pub(super) struct Tree {
			pub(super) leaf: [u8; 31],
			pub(super) below: Vec<Tree>,
		}
	}

	#[test]
	fn what_is_encoded_alike_is_the_same() {
		assert!(are_same::<known::Move, same::Move>());
		assert!(are_same::<known::Party, same::Party>());
		assert!(are_same::<known::Tree, same::Tree>());
		assert!(are_same::<(u8, Option<u32>), (u8, Option<u32>)>());
	}

	#[test]
	fn another_order_number_length_or_width_is_another_type() {
		assert!(!are_same::<known::Move, other::Move>());
		assert!(!are_same::<known::Party, other::Party>());
		assert!(!are_same::<known::Party, other::Parties>());
		assert!(!are_same::<known::Tree, other::Tree>());
		assert!(!are_same::<Vec<u32>, Vec<u64>>());
		assert!(!are_same::<(u8, u16), (u8, u16, ())>());
		assert!(!are_same::<u32, codec::Compact<u32>>());
	}

	#[test]
	fn what_takes_no_bytes_is_empty() {
		let empty = |(types, id): (PortableRegistry, u32)| is_empty(&types, id);
		assert!(empty(registry::<()>(&[])));
		assert!(empty(registry::<((), ())>(&[])));
		assert!(!empty(registry::<u8>(&[])));
		assert!(!empty(registry::<((), bool)>(&[])));
	}
}
