//! The parties of a dispute: a trainer that stands by its commitment, or an evaluator by its score, and whoever
//! says that it is wrong.
//!
//! Each move follows from the chain's state alone and from what this machine computes, so nothing of a game has
//! to be remembered: a worker that was started again makes the move that is due. What stays in memory between
//! two moves only saves time.

mod accuse;
mod ground;
mod score;
mod sent;

pub(super) use accuse::{is_withheld, Wrong};
pub(super) use sent::until;

use super::{
	task::{Task, TaskStatusOf},
	RoleError, Worker,
};
use crate::{
	chain::{AccountId, Call, View},
	training::{disputed::OwnComputation, run::Place, TrainingError},
};
use pouw_dispute::{
	challenge, defend, ChallengerMove, DefenderMove, Dispute, Facts, MoveError, Party, PartyError,
};
use pouw_primitives::{
	proof::WrongScore,
	status::{DisputeStatus, Duty},
	DisputeId,
};
use repops::{check::Checked, commit::TILE_BYTES, parts::PartProof, random::Seed};
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept in memory of a dispute between two moves.
pub(super) struct Kept {
	/// The checkpoint that was in dispute when it was made.
	checkpoint: Option<u32>,
	/// For a task of this seed: another history of the chain may give the dispute's number to another one.
	seed: polkadot_sdk::sp_core::H256,
	own: Arc<Mutex<OwnComputation>>,
}

/// A dispute's status with this chain's accounts.
pub(super) type DisputeStatusOf = DisputeStatus<AccountId>;

/// A move of either party.
enum Move {
	Defence(DefenderMove),
	Challenge(ChallengerMove),
}

impl Worker {
	/// Makes the move that is due, if it is this account's.
	pub(super) async fn answer_dispute(
		&self,
		duty: &Duty,
		dispute: DisputeId,
	) -> Result<String, RoleError> {
		#[cfg(feature = "faults")]
		if self.fault.is_some_and(|fault| fault.ignores_disputes()) {
			return Err(RoleError::NotOpen);
		}
		let view = self.workshop.chain.best().await?;
		let (status, party) = self.position(&view, dispute).await?;
		let (task, task_status) = self.task(&view, status.task).await?;
		if sent::is_under_way(&self.workshop, &task, &status).await? {
			return Err(RoleError::NotOpen);
		}
		let own = self.computation(&view, &task, &task_status, &status, party);
		let own = own.await?;
		let (made, parts) = self
			.make_move(&task, &task_status, &status, party, own)
			.await?;
		let told = describe(&status.game);

		// The computation took its time: the move counts only where it was made for.
		let view = self.workshop.chain.best().await?;
		let (now, _) = self.position(&view, dispute).await?;
		if now.game != status.game || sent::is_under_way(&self.workshop, &task, &now).await? {
			return Err(RoleError::NotOpen);
		}
		let call = match &made {
			Move::Defence(made) => Call::defend_dispute(dispute, &parts, made),
			Move::Challenge(made) => Call::pursue_dispute(dispute, &parts, made),
		};
		let deadline = self.deadline(&view, duty).await?;
		let until = sent::until(view.head(), deadline);
		sent::note(&task, &now, view.head(), until)?;
		let submitted = self.send(&view, until, call).await;
		if let Err(error) = submitted {
			if !sent::is_unsure(&error) {
				sent::forget(&task, &now)?;
			}
			return Err(error);
		}
		Ok(told)
	}

	/// Where a dispute stands, if this account is to move.
	async fn position(
		&self,
		view: &View,
		dispute: DisputeId,
	) -> Result<(DisputeStatusOf, Party), RoleError> {
		let status = view.dispute_status(dispute).await?;
		let status = status.filter(|status| !status.void);
		let status = status.ok_or(RoleError::NotOpen)?;
		let party = status.game.to_move();
		let mover = match party {
			Party::Defender => &status.defender,
			Party::Challenger => &status.challenger,
		};
		if mover != self.account() {
			return Err(RoleError::NotOpen);
		}
		Ok((status, party))
	}

	/// This party's computation of what is in dispute, from memory if it is still there.
	async fn computation(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		party: Party,
	) -> Result<Arc<Mutex<OwnComputation>>, RoleError> {
		let block = view.head().number;
		let checkpoint = status.game.checkpoint();
		let mut kept = self.inner.disputes.lock().await;
		// Before a checkpoint is named the computation is but an answer, which depends on what was opened.
		if checkpoint.is_some() {
			if let Some(kept) = kept.get(status.dispute, block) {
				if kept.checkpoint == checkpoint && kept.seed == task.seed {
					return Ok(kept.own.clone());
				}
			}
		}
		kept.remove(status.dispute);
		drop(kept);
		let own = self.ground(view, task, task_status, status, party).await?;
		let own = Arc::new(Mutex::new(own));
		let entry = Kept {
			checkpoint,
			seed: task.seed,
			own: own.clone(),
		};
		let mut kept = self.inner.disputes.lock().await;
		kept.insert(status.dispute, entry, block);
		Ok(own)
	}

	/// The move that follows from this party's computation, and the parts of the program that go with it.
	async fn make_move(
		&self,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		party: Party,
		own: Arc<Mutex<OwnComputation>>,
	) -> Result<(Move, Vec<PartProof>), RoleError> {
		let holders = super::task::holders(task_status, None);
		let programs = task.programs(&self.workshop, &holders).await?;
		let (program, data) = match status.score {
			Some(WrongScore::Correct) => (&programs.evaluation, task_status.test_tensor),
			_ => (&programs.step, task_status.training_tensor),
		};
		let program = program.clone();
		let facts = Facts {
			seed: Seed(task.seed.0),
			data: data.map(|root| root.0),
			updates: status.updates.iter().map(|root| root.0).collect(),
		};
		let (game, shown) = (status.game.clone(), status.shown.clone());
		#[cfg(feature = "faults")]
		let fault = self.fault;
		self.workshop
			.compute(move || {
				let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
				let made = match party {
					Party::Defender => defence(&game, &program, &facts, &mut own)?,
					Party::Challenger => {
						let made = pursuit(&game, &program, &facts, &mut own, &shown);
						#[cfg(feature = "faults")]
						let made = match (made, fault) {
							(Err(DisputeError::NothingWrong), Some(fault)) => fault
								.false_move(&game, &shown)
								.ok_or(DisputeError::NothingWrong),
							(made, _) => made,
						};
						Move::Challenge(made?)
					}
				};
				let parts = match &made {
					Move::Defence(made) => game.parts_of_defence(made, &program, &facts),
					Move::Challenge(made) => game.parts_of_challenge(made, &program, &facts),
				};
				Ok((made, parts.map_err(DisputeError::Move)?))
			})
			.await
	}
}

fn defence(
	game: &Dispute,
	program: &Checked,
	facts: &Facts,
	own: &mut OwnComputation,
) -> Result<Move, DisputeError> {
	Ok(Move::Defence(defend(game, program, facts, own)?))
}

fn pursuit(
	game: &Dispute,
	program: &Checked,
	facts: &Facts,
	own: &mut OwnComputation,
	shown: &[u8],
) -> Result<ChallengerMove, DisputeError> {
	let shown: Option<&[u8; TILE_BYTES]> = shown.try_into().ok();
	Ok(challenge(game, program, facts, own, shown)?)
}

/// Why a party has no move.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DisputeError {
	/// The other party is right, as far as this machine can tell.
	#[error("nothing of what the other party of the dispute has said is wrong")]
	NothingWrong,
	/// The dispute is about something else than the task has.
	#[error("the dispute is about something that the task has not")]
	NoSuchThing,
	/// The state at the start of the segment in dispute is not to be had.
	#[error(
		"the state {root:?}, from which the segment in dispute starts, is neither in this machine's store nor \
		 to be had from others, and a replay of the round does not give it"
	)]
	NoState {
		/// Its root.
		root: polkadot_sdk::sp_core::H256,
	},
	/// A move that the game does not take: what was computed here is not what was claimed.
	#[error("this machine's computation does not bear out what was claimed: {0}")]
	Move(MoveError),
	/// The computation failed.
	#[error(transparent)]
	Training(#[from] TrainingError),
}

impl From<PartyError<TrainingError>> for DisputeError {
	fn from(error: PartyError<TrainingError>) -> Self {
		match error {
			PartyError::NothingWrong => DisputeError::NothingWrong,
			PartyError::Computation(error) => DisputeError::Training(error),
			_ => DisputeError::NoSuchThing,
		}
	}
}

/// Where a game stands, in a few words.
fn describe(game: &Dispute) -> String {
	use pouw_dispute::Position;
	match game.position() {
		Position::Trace(_) => "about the round's checkpoints".into(),
		Position::Steps(span) => format!("about steps {} to {}", span.start, span.end),
		Position::Tensors(_) => format!("about the state's tensors after step {}", game.step()),
		Position::Values { value, .. } | Position::Input { value, .. } => {
			format!("about value {value} of step {}", game.step())
		}
		Position::Operations(_) => format!("about the operations of step {}", game.step()),
		Position::Tiles { .. } | Position::Tile { .. } | Position::Element { .. } => {
			format!("about a result's tiles in step {}", game.step())
		}
		Position::Passages { operation, .. } | Position::Passage { operation, .. } => {
			format!(
				"about an element of operation {operation} in step {}",
				game.step()
			)
		}
	}
}

/// The place that a dispute is about. For a score that is an evaluator's, in the round after the last.
fn place(status: &DisputeStatusOf) -> Place {
	Place {
		round: status.round,
		slot: status.slot,
	}
}
