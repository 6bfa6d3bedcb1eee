//! What trainers, supervisors and verifiers say to the chain, with real programs, data and states.

use crate::{
	disputes::dispute,
	node::{hash, Node},
	own_tasks::{engine, keypair, open_store, status, Working},
	small,
};
use codec::{Compact, Encode};
use iroh::{
	endpoint::{presets::Minimal, Connection},
	protocol::{AcceptError, ProtocolHandler, Router},
	RelayMode,
};
use ml_worker::{
	chain::AccountId,
	config::Duties,
	dataset::{
		segments::{visible, Part},
		Dataset,
	},
	roles::{
		client::prepare,
		manifest::{self, Checkpoint},
	},
	store::Store,
	task_file::Prepared,
	training::{
		programs::TaskPrograms,
		run::{Place, Run},
		State,
	},
};
use polkadot_sdk::sp_core::{bounded::BoundedVec, H256};
use pouw_primitives::{
	proof::{audit_commitment, audit_digest, AuditAnswer},
	status::{
		AuditParty, AuditStatus, Commitment, Duty, DutyKind, Phase, RoundStatus, TaskStatus, Worker,
	},
	ticket::{Endpoint, Role, SocketAddress},
	Slot,
};
use repops::{random::Seed, state_blob};
use std::{
	net::{Ipv4Addr, SocketAddr},
	time::Duration,
};
use tempfile::TempDir;

pub(crate) const TASK: u32 = 4;
pub(crate) const SEED: u8 = 7;
const HIDDEN: [u16; 3] = [0, 1, 2];

/// A task in its first round, with its client's blobs, and everything that follows from it.
pub(crate) struct Market {
	pub(crate) node: Node,
	_folder: TempDir,
	pub(crate) client: Store,
	pub(crate) status: TaskStatus<AccountId>,
	pub(crate) run: Run,
	pub(crate) start: State,
}

impl Market {
	pub(crate) async fn open() -> Self {
		Self::open_with(small::prepared()).await
	}

	pub(crate) async fn open_with(prepared: Prepared) -> Self {
		let (node, folder) = (Node::start().await, TempDir::new().unwrap());
		let client = open_store(folder.path()).await;
		let own = prepare(&client, folder.path(), hash(0), &prepared)
			.await
			.unwrap();
		for entry in std::fs::read_dir(folder.path().join("own")).unwrap() {
			for number in visible(own.spec.data.segments, &HIDDEN) {
				let path = entry.as_ref().unwrap().path();
				let segment = path.join(format!("segment-{number:03}"));
				let blob = std::fs::read(segment).unwrap();
				client.put("task", blob).await.unwrap();
			}
		}
		let mut status = status(TASK, &own.spec, SEED, &HIDDEN);
		status.phase = Phase::Training(0);
		status.client = AccountId::from([1; 32]);
		status.record = H256::repeat_byte(88);

		let programs = &prepared.programs;
		let programs = TaskPrograms::new(&programs.step, &programs.evaluation).unwrap();
		let shown: Vec<Dataset> = visible(own.spec.data.segments, &HIDDEN)
			.into_iter()
			.map(|number| prepared.segments[usize::from(number)].clone())
			.collect();
		let (training, seed) = (own.spec.training, Seed([SEED; 32]));
		let run = Run::new(
			engine(),
			programs.step,
			training,
			seed,
			Part::assemble(&shown),
		);
		let run = match prepared.initial {
			Some(state) => run.starting_from(state),
			None => run,
		};
		let start = run.initial_state();
		Market {
			node,
			_folder: folder,
			client,
			status,
			run,
			start,
		}
	}

	/// Gives somebody a place in the task.
	pub(crate) fn place(
		&mut self,
		role: Role,
		slot: Slot,
		account: AccountId,
		endpoint: &Endpoint,
	) {
		self.status.workers.push(Worker {
			role,
			slot,
			account,
			ticket: slot.into(),
			accepted: true,
			endpoint: endpoint.clone(),
		});
	}

	/// Puts the states into this store and makes the commitment to them.
	pub(crate) async fn commitment(
		&self,
		store: &Store,
		slot: Slot,
		states: &[State],
	) -> Commitment<AccountId> {
		let mut checkpoints = Vec::new();
		for state in states {
			let blob = store.put("task", state_blob::encode(state)).await.unwrap();
			let state = H256(engine().state_root(state));
			checkpoints.push(Checkpoint { state, blob });
		}
		let manifest = manifest::encode(&checkpoints);
		Commitment {
			slot,
			account: trainer(slot),
			ticket: slot.into(),
			trace_root: manifest::root(&checkpoints),
			end_root: checkpoints.last().unwrap().state,
			manifest: store.put("task", manifest).await.unwrap(),
			samples: 1,
			mean_loss: 0,
			block: 90,
			available: true,
		}
	}

	/// Shows the chain as it is, with this duty, and lets a worker do it.
	pub(crate) async fn work(
		&self,
		duties: Duties,
		duty: DutyKind,
		store: &Store,
		folder: &TempDir,
	) -> Working {
		self.work_until(10_000, duties, duty, store, folder).await
	}

	/// The same with a duty that has this deadline.
	pub(crate) async fn work_until(
		&self,
		deadline: u32,
		duties: Duties,
		duty: DutyKind,
		store: &Store,
		folder: &TempDir,
	) -> Working {
		self.node.script(|script| {
			script.best.open = vec![self.status.clone()];
			script.finalized = script.best.clone();
			script.duties = vec![Duty {
				kind: duty,
				task: TASK,
				deadline,
			}];
		});
		Working::start_as(duties, &self.node, folder.path(), store, 100).await
	}
}

pub(crate) fn trainer(slot: Slot) -> AccountId {
	AccountId::from([100 + slot as u8; 32])
}

pub(crate) fn own_account() -> AccountId {
	AccountId::from(keypair().public_key().0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_names_the_record_that_it_builds_on() {
	let mut market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	market.place(Role::Trainer, 1, own_account(), store.endpoint());

	let place = Place { round: 0, slot: 1 };
	let mut states = vec![market.start.clone()];
	let mut losses = Vec::new();
	for segment in 0..market.run.segments() {
		let start = states.last().unwrap();
		let done = market.run.run_segment(start, place, segment, &mut |_| ());
		let done = done.unwrap();
		losses.extend(done.losses);
		states.push(done.end_state);
	}
	let expected = market.commitment(&market.client, 1, &states).await;
	let training = market.status.spec.training;
	let samples = u64::from(training.steps_per_round) * u64::from(training.batch);
	let end = (
		(Compact(TASK), Compact(0u32), market.status.record),
		(expected.trace_root, expected.end_root, expected.manifest),
		(
			Compact(samples),
			ml_worker::training::run::mean(&losses).to_bits(),
		),
	)
		.encode();

	let duty = DutyKind::Train { round: 0, slot: 1 };
	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	market.node.transaction(&end).await;
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_starts_elsewhere_is_found_in_whatever_segment() {
	let mut market = Market::open().await;
	let (folder, keeping) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let (store, keeper) = (
		open_store(folder.path()).await,
		open_store(keeping.path()).await,
	);
	market.place(
		Role::Supervisor,
		0,
		AccountId::from([50; 32]),
		keeper.endpoint(),
	);
	// An honest segment 1, but the round starts from a state of the trainer's own.
	let (place, segment) = (Place { round: 0, slot: 0 }, 1);
	let from = market.start.clone();
	let done = market.run.run_segment(&from, place, segment, &mut |_| ());
	let done = done.unwrap();
	let end = done.end_state.clone();
	let honest = [&from, &from, &end, &end, &end].map(State::clone);
	let elsewhere = [&end, &from, &end, &end, &end].map(State::clone);
	let randomness = H256::repeat_byte(33);
	let digest = audit_digest(&randomness, &done.losses, &H256(done.end_root));

	for (audit, states, in_trace) in [(1, honest, true), (2, elsewhere, false)] {
		let commitment = market.commitment(&keeper, 0, &states).await;
		market.node.script(|script| {
			script.rounds = vec![RoundStatus {
				round: 0,
				sealed: false,
				commitments: vec![commitment],
			}];
			let party = |account| AuditParty {
				account,
				ticket: 1,
				commitment: None,
				answer: None,
			};
			script.audits = vec![AuditStatus {
				audit,
				task: TASK,
				round: 0,
				slot: 0,
				segment,
				randomness,
				parties: vec![party(trainer(0)), party(own_account())],
				revealing: false,
				deadline: 10_000,
				void: false,
			}];
		});
		let answer = AuditAnswer { digest, in_trace };
		let commitment = audit_commitment(&own_account(), audit, &answer);
		let duty = DutyKind::CommitAudit { audit };
		let worker = market.work(Duties::Verifier, duty, &store, &folder).await;
		if !in_trace {
			// First comes the dispute. The answer counts for nothing without it.
			let challenged = (Compact(TASK), Compact(0u32), Compact(0 as Slot)).encode();
			market.node.transaction(&challenged).await;
			let answered = (Compact(audit), commitment).encode();
			let transactions = market.node.script(|script| script.transactions.clone());
			assert!(!transactions.iter().any(|bytes| bytes.ends_with(&answered)));
			let checkpoints = vec![H256::zero(); 5];
			let open = dispute(&market, own_account(), trainer(0), &checkpoints);
			market.node.block(|script| script.disputes = vec![open]);
			for _ in 0..10 {
				market.node.settled_block(|_| ()).await;
				tokio::time::sleep(Duration::from_millis(50)).await;
			}
		}
		market
			.node
			.transaction(&(Compact(audit), commitment).encode())
			.await;
		worker.stop().await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn trainers_that_stall_do_not_keep_others_from_being_attested() {
	let mut market = Market::open().await;
	let (folder, training) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let (store, trained) = (
		open_store(folder.path()).await,
		open_store(training.path()).await,
	);
	market.place(Role::Supervisor, 0, own_account(), store.endpoint());
	let states = vec![market.start.clone(); 5];
	let mut commitments = Vec::new();
	let mut stalling = Vec::new();
	// The honest one is the last in the list.
	for slot in 0..6 {
		let (router, endpoint) = stalling_holder().await;
		stalling.push(router);
		market.place(Role::Trainer, slot, trainer(slot), &endpoint);
		let mut commitment = market.commitment(&trained, slot, &states).await;
		commitment.manifest = H256::repeat_byte(slot as u8);
		commitments.push(commitment);
	}
	market.place(Role::Trainer, 6, trainer(6), trained.endpoint());
	commitments.push(market.commitment(&trained, 6, &states).await);
	market.node.script(|script| {
		script.rounds = vec![RoundStatus {
			round: 0,
			sealed: false,
			commitments,
		}];
	});
	let duty = DutyKind::AttestAvailability {
		round: 0,
		slots: (0..7).collect(),
	};
	let worker = market.work(Duties::Supervisor, duty, &store, &folder).await;
	let held: Vec<Slot> = vec![6];
	market
		.node
		.transaction(&(Compact(TASK), Compact(0u32), held).encode())
		.await;
	worker.stop().await;
}

/// A holder that takes every request and answers none.
#[derive(Debug)]
struct Stalling;

impl ProtocolHandler for Stalling {
	async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
		let mut requests = Vec::new();
		while let Ok(request) = connection.accept_bi().await {
			requests.push(request);
		}
		Ok(())
	}
}

async fn stalling_holder() -> (Router, Endpoint) {
	let endpoint = iroh::Endpoint::builder(Minimal)
		.relay_mode(RelayMode::Disabled)
		.clear_ip_transports()
		.bind_addr((Ipv4Addr::LOCALHOST, 0))
		.unwrap()
		.bind()
		.await
		.unwrap();
	let SocketAddr::V4(address) = endpoint.bound_sockets()[0] else {
		panic!("bound to IPv4");
	};
	let address = SocketAddress::V4(address.ip().octets(), address.port());
	let named = Endpoint {
		key: *endpoint.id().as_bytes(),
		addresses: BoundedVec::truncate_from(vec![address]),
	};
	let router = Router::builder(endpoint)
		.accept(iroh_blobs::ALPN, Stalling)
		.spawn();
	(router, named)
}
