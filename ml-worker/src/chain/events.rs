//! What happened in the market in a block.

use super::{AccountId, ChainError, View};
use pouw_primitives::TaskId;
use subxt::ext::scale_value::{At, Composite, Primitive, Value, ValueDef};

/// An event of the tickets, the market or the proofs.
#[derive(Clone, Debug)]
pub struct MarketEvent {
	/// The event's name.
	pub name: String,
	fields: Composite<()>,
}

impl MarketEvent {
	/// A field that is a number.
	pub fn number(&self, field: &str) -> Option<u128> {
		self.fields.at(field)?.as_u128()
	}

	/// A field that is true or false.
	pub fn flag(&self, field: &str) -> Option<bool> {
		self.fields.at(field)?.as_bool()
	}

	/// A field that is an account.
	pub fn account(&self, field: &str) -> Option<AccountId> {
		let bytes = self.numbers(field).into_iter().map(u8::try_from);
		let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().ok()?;
		Some(AccountId::from(<[u8; 32]>::try_from(bytes).ok()?))
	}

	/// The name of the variant that a field is.
	pub fn variant(&self, field: &str) -> Option<&str> {
		match &self.fields.at(field)?.value {
			ValueDef::Variant(variant) => Some(&variant.name),
			_ => None,
		}
	}

	/// A field that is a list of numbers.
	pub fn numbers(&self, field: &str) -> Vec<u128> {
		let mut numbers = Vec::new();
		if let Some(value) = self.fields.at(field) {
			collect(value, &mut numbers);
		}
		numbers
	}
}

fn collect(value: &Value<()>, numbers: &mut Vec<u128>) {
	match &value.value {
		ValueDef::Primitive(Primitive::U128(number)) => numbers.push(*number),
		ValueDef::Composite(composite) => {
			composite.values().for_each(|value| collect(value, numbers));
		}
		_ => (),
	}
}

impl View {
	/// The block's events that name this task, in their order.
	pub async fn task_events(&self, task: TaskId) -> Result<Vec<MarketEvent>, ChainError> {
		let mut events = self.market_events().await?;
		events.retain(|event| event.number("task") == Some(task.into()));
		Ok(events)
	}

	/// The block's events of the market, in their order.
	pub async fn market_events(&self) -> Result<Vec<MarketEvent>, ChainError> {
		let client = self.chain.client().await;
		let at = client
			.at_block(subxt::utils::H256(self.head.hash.0))
			.await
			.map_err(|error| self.refused("events", error))?;
		let events = at
			.events()
			.fetch()
			.await
			.map_err(|error| self.refused("events", error))?;
		let mut found = Vec::new();
		for event in events.iter() {
			let event = event.map_err(|error| self.refused("events", error))?;
			if !matches!(event.pallet_name(), "MlTasks" | "Pouw" | "Tickets") {
				continue;
			}
			let fields: Composite<()> = event
				.decode_fields_unchecked_as()
				.map_err(|error| self.refused("events", error))?;
			found.push(MarketEvent {
				name: event.event_name().to_owned(),
				fields,
			});
		}
		Ok(found)
	}
}
