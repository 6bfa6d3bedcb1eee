//! Following a dispute from move to move.

use super::{
	as_json, name,
	narrowed::{referee, Narrowed},
	party, show, Failure, Global, Status,
};
use crate::{
	amount::Amount,
	chain::{MarketEvent, View},
	keys::address,
};
use futures::StreamExt;
use pouw_dispute::{Dispute, Party, Position};
use repops::check::Checked;
use serde_json::{json, Value};

/// Of what a loser loses, the winner gets one of so many parts; the rest is burned.
const WINNERS_PART: u128 = 2;

/// Shows each move of a dispute as it comes, until the dispute ends.
pub(super) async fn watch(
	view: View,
	status: Status,
	program: Option<&Checked>,
	global: &Global,
) -> Result<(), Failure> {
	if global.json {
		let status = as_json(&status, program);
		println!(
			"{}",
			json!({ "event": "open", "block": view.head().number, "status": status })
		);
	} else {
		show(&status, program, global);
	}
	let mut seen = Seen {
		number: view.head().number,
		before: Some(status.game.clone()),
		status,
	};
	let mut heads = view.chain().best_blocks();
	loop {
		let head = match heads.next().await {
			Some(head) => head?,
			None => return Err("the node sends no more blocks".into()),
		};
		while seen.number < head.number {
			let block = view.chain().block(seen.number.saturating_add(1)).await?;
			if seen.look(&block, program, global.json).await? {
				return Ok(());
			}
			seen.number = block.head().number;
		}
	}
}

struct Seen {
	/// The last block that was looked at.
	number: u32,
	/// The game before the next move; none if it is not known.
	before: Option<Dispute>,
	status: Status,
}

impl Seen {
	/// Says what happened in a block, and whether the dispute has ended with it.
	async fn look(
		&mut self,
		block: &View,
		program: Option<&Checked>,
		json: bool,
	) -> Result<bool, Failure> {
		let events = block.market_events().await?;
		let number = block.head().number;
		let dispute = self.status.dispute;
		let of_dispute = |event: &&MarketEvent| event.number("dispute") == Some(dispute.into());
		for event in events.iter().filter(of_dispute) {
			match event.name.as_str() {
				"DisputeMoved" => {
					let decided = self.decided(block, program).await;
					if let Some(now) = block.dispute_status(dispute).await? {
						self.status = now;
					}
					say(json, &self.moved(number, event, program, decided));
					// What another move in the same block was made for is not known.
					self.before = None;
				}
				"DisputeEnded" => {
					say(json, &self.ended(number, event, &events));
					return Ok(true);
				}
				"DisputeVoided" => {
					let text = "the commitment does not stand any more; the bond has returned";
					say(
						json,
						&Told {
							text: format!("#{number} {text}"),
							json: json!({ "event": "voided", "block": number }),
						},
					);
					return Ok(true);
				}
				_ => (),
			}
		}
		match block.dispute_status(dispute).await? {
			Some(now) => {
				self.before = Some(now.game.clone());
				self.status = now;
				Ok(false)
			}
			None => Err(format!("block {number} has no dispute {dispute} any more").into()),
		}
	}

	/// What the chain has computed and what was claimed, if evidence for the last passage is in the block. It is
	/// told for the story's sake: without it the story goes on.
	async fn decided(&self, block: &View, program: Option<&Checked>) -> Option<[String; 2]> {
		let moves = block.pursued(self.status.dispute).await;
		let moves = moves.unwrap_or_else(|error| {
			tracing::warn!(%error, "the evidence can't be read");
			Vec::new()
		});
		let judged = |made| referee(&self.status, program, made);
		moves.iter().find_map(judged)
	}

	fn moved(
		&self,
		number: u32,
		event: &MarketEvent,
		program: Option<&Checked>,
		decided: Option<[String; 2]>,
	) -> Told {
		let by = match event.variant("by") {
			Some("Defender") => Party::Defender,
			_ => Party::Challenger,
		};
		let did = self
			.before
			.as_ref()
			.map_or("has moved", |before| what(before.position(), by));
		let now = Narrowed::of(&self.status, program);
		let (next, deadline) = (self.status.game.to_move(), self.status.deadline);
		let is_last = self.before.as_ref() == Some(&self.status.game);
		let text = if let Some([right, claimed]) = &decided {
			format!(
				"#{number} {} {did}; the chain computes {right}, claimed was {claimed}",
				name(&self.status, by)
			)
		} else if is_last {
			format!(
				"#{number} {} {did}; that decides it",
				name(&self.status, by)
			)
		} else {
			format!(
				"#{number} {} {did}; now {now}; {} to move until block {deadline}",
				name(&self.status, by),
				name(&self.status, next)
			)
		};
		let mut json = json!({
			"event": "moved",
			"block": number,
			"by": party(by),
			"did": did,
			"decides": is_last,
			"narrowed": now,
		});
		if let Some([right, claimed]) = decided {
			json["computed"] = right.into();
			json["claimed"] = claimed.into();
		}
		if !is_last {
			json["to_move"] = party(next).into();
			json["deadline"] = deadline.into();
		}
		Told { text, json }
	}

	fn ended(&self, number: u32, event: &MarketEvent, events: &[MarketEvent]) -> Told {
		let loser = match event.variant("loser") {
			Some("Defender") => Party::Defender,
			_ => Party::Challenger,
		};
		let timed_out = event.flag("timed_out").unwrap_or_default();
		let why = if timed_out {
			"did not move in time"
		} else {
			"is wrong"
		};
		let (lost, burned) = match loser {
			Party::Defender => self.slashed(events).unwrap_or_default(),
			Party::Challenger => {
				let bond = self.status.bond;
				(bond, bond - bond / WINNERS_PART)
			}
		};
		let won = lost.saturating_sub(burned);
		let (from, winner) = match loser {
			Party::Defender => ("its ticket", &self.status.challenger),
			Party::Challenger => ("its bond", &self.status.defender),
		};
		let winner = address(&winner.0);
		let text = format!(
			"#{number} {} {why}: of {from}, {} POUW, {} went to {winner} and {} were burned",
			name(&self.status, loser),
			Amount(lost),
			Amount(won),
			Amount(burned)
		);
		let json = json!({
			"event": "ended",
			"block": number,
			"loser": party(loser),
			"timed_out": timed_out,
			"lost": lost.to_string(),
			"winner": winner,
			"won": won.to_string(),
			"burned": burned.to_string(),
		});
		Told { text, json }
	}

	/// What was taken of the defender's ticket, and what was burned of it.
	fn slashed(&self, events: &[MarketEvent]) -> Option<(u128, u128)> {
		let status = &self.status;
		let mut about = vec![
			("task", u128::from(status.task)),
			("slot", status.slot.into()),
		];
		let name = match status.score {
			None => {
				about.push(("round", status.round.into()));
				"CommitmentRefuted"
			}
			Some(_) => "ScoreRefuted",
		};
		let refuted = events.iter().find(|event| {
			event.name == name
				&& about
					.iter()
					.all(|(field, number)| event.number(field) == Some(*number))
		})?;
		Some((refuted.number("slashed")?, refuted.number("burned")?))
	}
}

/// Something to say, for people and for scripts.
struct Told {
	text: String,
	json: Value,
}

fn say(json: bool, told: &Told) {
	if json {
		println!("{}", told.json);
	} else {
		println!("{}", told.text);
	}
}

/// What a party has done by its move at this position.
fn what(position: &Position, by: Party) -> &'static str {
	match (position, by) {
		(Position::Trace(_), Party::Defender) => "has opened its trace",
		(Position::Trace(_), Party::Challenger) => "has named the wrong checkpoint",
		(Position::Steps(_), Party::Defender) => "has said the states in between",
		(Position::Steps(_), Party::Challenger) => "has named the first wrong steps",
		(Position::Tensors(_), Party::Defender) => "has said what the state consists of",
		(Position::Tensors(_), Party::Challenger) => "has named a wrong part of the state",
		(Position::Values { .. }, _) => "has committed to the results of all operations",
		(Position::Input { .. }, _) => "has shown what the output is",
		(Position::Operations(_), Party::Defender) => "has said what the results consist of",
		(Position::Operations(_), Party::Challenger) => "has named the first wrong operations",
		(Position::Tiles { .. }, Party::Defender) => "has said what the result consists of",
		(Position::Tiles { .. }, Party::Challenger) => "has named wrong tiles",
		(Position::Tile { .. }, _) => "has shown the tile",
		(Position::Element { .. }, _) => "has named a wrong element",
		(Position::Passages { .. }, Party::Defender) => "has said the running results",
		(Position::Passages { .. }, Party::Challenger) => "has named the first wrong passages",
		(Position::Passage { .. }, _) => {
			"has shown the operands, from which the chain computes the passage"
		}
	}
}
