//! A node whose chain follows a script: it knows the real runtime's metadata, and answers the questions
//! that a worker asks from what a test has written down.

use codec::{Compact, Decode, Encode};
use jsonrpsee::{
	core::SubscriptionResult,
	server::{Server, ServerHandle},
	types::ErrorObjectOwned,
	PendingSubscriptionSink, RpcModule, SubscriptionMessage,
};
use ml_worker::chain::AccountId;
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use pouw_primitives::{
	demand::DemandStatus,
	status::{
		AuditStatus, DisputeStatus, Duty, RoundStatus, TaskStatus, TaskSummary, TicketStatus,
	},
	AuditId, DemandId, DisputeId, RoundIndex, TaskId,
};
use serde_json::{json, Value};
use std::{
	sync::{Arc, Mutex},
	time::Duration,
};
use tokio::sync::watch;

/// The known runtime's.
pub(crate) static METADATA: &[u8] = include_bytes!("../../metadata/pouw.scale");

/// The tasks as of a block.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
	pub(crate) open: Vec<TaskStatus<AccountId>>,
	pub(crate) ended: Vec<(TaskId, TaskSummary<AccountId>)>,
}

/// The runtime's name, version and metadata.
#[derive(Clone)]
pub(crate) struct Runtime {
	pub(crate) name: &'static str,
	pub(crate) version: u32,
	pub(crate) metadata: Arc<[u8]>,
}

impl Runtime {
	/// One that is the same but for its version, as an upgrade brings it.
	pub(crate) fn next(&self) -> Self {
		Runtime {
			version: self.version + 1,
			..self.clone()
		}
	}
}

/// What a transaction brings about that comes in while its runtime is upgraded: it is void.
pub(crate) struct Upgrade {
	pub(crate) to: Runtime,
	/// Whether the pool takes it and then says that it is invalid, or refuses it.
	pub(crate) taken: bool,
}

/// What the node's chain is like now.
pub(crate) struct Script {
	/// The best block's number.
	pub(crate) number: u32,
	/// The last finalized block's number: up to it holds `finalized`, after it `best`.
	pub(crate) last_finalized: u32,
	pub(crate) best: Tasks,
	pub(crate) finalized: Tasks,
	pub(crate) duties: Vec<Duty>,
	/// The rounds of whatever task.
	pub(crate) rounds: Vec<RoundStatus<AccountId>>,
	pub(crate) audits: Vec<AuditStatus<AccountId>>,
	pub(crate) disputes: Vec<DisputeStatus<AccountId>>,
	pub(crate) demands: Vec<DemandStatus<AccountId>>,
	/// Whether the pool takes transactions and never tells what becomes of them; else it refuses them.
	pub(crate) pool_is_silent: bool,
	/// The best block's runtime.
	pub(crate) runtime: Runtime,
	/// The last block of the runtime before that, and that runtime.
	former: Option<(u32, Runtime)>,
	/// What the next transaction meets with.
	pub(crate) upgrade: Option<Upgrade>,
	/// Why the pool refuses the next transaction.
	pub(crate) refuses_next: Option<&'static str>,
	/// How often new blocks were subscribed to.
	pub(crate) subscriptions: u32,
	/// The transactions that came in.
	pub(crate) transactions: Vec<Vec<u8>>,
	/// The highest block at which the open duties were asked for.
	asked: u32,
}

struct Context {
	script: Mutex<Script>,
	heads: watch::Sender<u32>,
}

/// The node.
pub(crate) struct Node {
	context: Arc<Context>,
	url: String,
	_server: ServerHandle,
}

impl Node {
	pub(crate) async fn start() -> Self {
		Self::start_with(|module| {
			module
				.register_subscription(
					"chain_subscribeNewHeads",
					"chain_newHead",
					"chain_unsubscribeNewHeads",
					|_, pending, context, _| serve_heads(pending, (*context).clone()),
				)
				.unwrap();
		})
		.await
	}

	pub(crate) async fn start_without_subscriptions() -> Self {
		Self::start_with(|module| {
			module
				.register_method("chain_subscribeNewHeads", |_, context, _| {
					context.script.lock().unwrap().subscriptions += 1;
					Err::<Value, _>(refusal("no subscriptions here"))
				})
				.unwrap();
		})
		.await
	}

	async fn start_with(subscriptions: impl FnOnce(&mut RpcModule<Arc<Context>>)) -> Self {
		let script = Script {
			number: 100,
			last_finalized: 97,
			best: Tasks::default(),
			finalized: Tasks::default(),
			duties: Vec::new(),
			rounds: Vec::new(),
			audits: Vec::new(),
			disputes: Vec::new(),
			demands: Vec::new(),
			pool_is_silent: false,
			runtime: Runtime {
				name: "pouw",
				version: 1,
				metadata: METADATA.into(),
			},
			former: None,
			upgrade: None,
			refuses_next: None,
			subscriptions: 0,
			transactions: Vec::new(),
			asked: 0,
		};
		let context = Arc::new(Context {
			heads: watch::Sender::new(script.number),
			script: Mutex::new(script),
		});
		let mut module = RpcModule::new(context.clone());
		subscriptions(&mut module);
		register(&mut module);
		let server = Server::builder().build("127.0.0.1:0").await.unwrap();
		let url = format!("ws://{}", server.local_addr().unwrap());
		Node {
			context,
			url,
			_server: server.start(module),
		}
	}

	pub(crate) fn url(&self) -> &str {
		&self.url
	}

	/// Looks at the script or changes it.
	pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
		change(&mut self.context.script.lock().unwrap())
	}

	/// Changes the script and makes a block in which the change is seen.
	pub(crate) fn block(&self, change: impl FnOnce(&mut Script)) -> u32 {
		let number = self.script(|script| {
			change(script);
			script.number += 1;
			script.number
		});
		self.context.heads.send_replace(number);
		number
	}

	/// Makes a block with this change, and returns when a worker has done all that it does at it.
	pub(crate) async fn settled_block(&self, change: impl FnOnce(&mut Script)) -> u32 {
		let number = self.block(change);
		self.asked(number).await;
		// A worker asks for its duties first: when it asks again, it is done with the block before.
		let next = self.block(|_| ());
		self.asked(next).await;
		number
	}

	/// A transaction that has come in and ends with these bytes.
	pub(crate) async fn transaction(&self, end: &[u8]) -> Vec<u8> {
		let mut seen = 0;
		let came = async {
			loop {
				let transactions = self.script(|script| script.transactions.clone());
				if let Some(found) = transactions.iter().find(|bytes| bytes.ends_with(end)) {
					return found.clone();
				}
				seen = transactions.len();
				tokio::time::sleep(Duration::from_millis(50)).await;
			}
		};
		let came = tokio::time::timeout(Duration::from_secs(30), came).await;
		came.unwrap_or_else(|_| panic!("no such transaction, but {seen} others"))
	}

	/// Returns when a worker has asked for its duties at this block.
	pub(crate) async fn asked(&self, number: u32) {
		let asked = async {
			while self.script(|script| script.asked) < number {
				tokio::time::sleep(Duration::from_millis(20)).await;
			}
		};
		tokio::time::timeout(Duration::from_secs(60), asked)
			.await
			.unwrap_or_else(|_| panic!("no worker looks at block {number}"));
	}
}

async fn serve_heads(
	pending: PendingSubscriptionSink,
	context: Arc<Context>,
) -> SubscriptionResult {
	let sink = pending.accept().await?;
	let mut heads = context.heads.subscribe();
	loop {
		let number = *heads.borrow_and_update();
		sink.send(SubscriptionMessage::from_json(&header(number))?)
			.await?;
		heads.changed().await?;
	}
}

/// Takes or refuses a transaction, as the script says.
async fn serve_pool(
	bytes: Result<String, ErrorObjectOwned>,
	pending: PendingSubscriptionSink,
	context: Arc<Context>,
) -> SubscriptionResult {
	let bytes = hex::decode(bytes?.trim_start_matches("0x"))?;
	let (upgrade, refusal_of_next, is_silent) = {
		let mut script = context.script.lock().unwrap();
		script.transactions.push(bytes);
		(
			script.upgrade.take(),
			script.refuses_next.take(),
			script.pool_is_silent,
		)
	};
	if let Some(Upgrade { to, taken }) = upgrade {
		let number = {
			let mut script = context.script.lock().unwrap();
			script.upgrade_to(to);
			script.number += 1;
			script.number
		};
		if taken {
			let sink = pending.accept().await?;
			context.heads.send_replace(number);
			sink.send(SubscriptionMessage::from_json(&"invalid")?)
				.await?;
		} else {
			context.heads.send_replace(number);
			pending.reject(refusal("bad signature")).await;
		}
	} else if let Some(reason) = refusal_of_next {
		pending.reject(refusal(reason)).await;
	} else if is_silent {
		let _sink = pending.accept().await?;
		std::future::pending::<()>().await;
	} else {
		pending.reject(refusal("the pool is closed")).await;
	}
	Ok(())
}

/// The hash of a block.
pub(crate) fn hash(number: u32) -> H256 {
	let (parent, root) = (H256::zero(), H256::repeat_byte(9));
	let digest = Compact(0u32);
	H256((parent, Compact(number), root, root, digest).using_encoded(blake2_256))
}

fn header(number: u32) -> Value {
	let (parent, root) = (H256::zero(), H256::repeat_byte(9));
	json!({
		"parentHash": parent,
		"number": format!("{number:#x}"),
		"stateRoot": root,
		"extrinsicsRoot": root,
		"digest": { "logs": [] },
	})
}

fn refusal(reason: impl Into<String>) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(-32_000, reason, None::<()>)
}

fn register(module: &mut RpcModule<Arc<Context>>) {
	module
		.register_method("chain_getBlockHash", |parameters, _, _| {
			parameters.one::<u32>().map(hash)
		})
		.unwrap();
	module
		.register_method("chain_getFinalizedHead", |_, context, _| {
			Ok::<_, ErrorObjectOwned>(hash(context.script.lock().unwrap().last_finalized))
		})
		.unwrap();
	module
		.register_method("chain_getHeader", |parameters, context, _| {
			let best = context.script.lock().unwrap().number;
			let wanted = parameters.sequence().optional_next::<H256>()?;
			let number = match wanted {
				None => Some(best),
				Some(wanted) => (0..=best).rev().find(|number| hash(*number) == wanted),
			};
			Ok::<_, ErrorObjectOwned>(number.map(header))
		})
		.unwrap();
	module
		.register_method("state_getRuntimeVersion", |parameters, context, _| {
			let at = parameters.sequence().optional_next::<H256>()?;
			let script = context.script.lock().unwrap();
			let number = script
				.number_of(at)
				.ok_or_else(|| refusal("no such block"))?;
			let Runtime { name, version, .. } = script.runtime_at(number);
			Ok::<_, ErrorObjectOwned>(
				json!({ "specName": name, "specVersion": version, "transactionVersion": 1 }),
			)
		})
		.unwrap();
	module
		.register_method("system_accountNextIndex", |_, _, _| 0)
		.unwrap();
	module
		.register_subscription(
			"author_submitAndWatchExtrinsic",
			"author_extrinsicUpdate",
			"author_unwatchExtrinsic",
			|parameters, pending, context, _| {
				let bytes = parameters.one::<String>();
				serve_pool(bytes, pending, (*context).clone())
			},
		)
		.unwrap();
	module
		.register_method("state_call", |parameters, context, _| {
			let mut parameters = parameters.sequence();
			let (name, arguments): (String, String) = (parameters.next()?, parameters.next()?);
			let at = parameters.optional_next::<H256>()?;
			let arguments = hex::decode(arguments.trim_start_matches("0x")).unwrap();
			let mut script = context.script.lock().unwrap();
			let answer = script.answer(&name, &arguments, at);
			answer
				.map(|bytes| format!("0x{}", hex::encode(bytes)))
				.ok_or_else(|| refusal(format!("{name} is not in the script")))
		})
		.unwrap();
}

impl Script {
	/// The next block is the first of this runtime.
	pub(crate) fn upgrade_to(&mut self, runtime: Runtime) {
		let former = std::mem::replace(&mut self.runtime, runtime);
		self.former = Some((self.number, former));
	}

	fn runtime_at(&self, number: u32) -> &Runtime {
		match &self.former {
			Some((last, former)) if number <= *last => former,
			_ => &self.runtime,
		}
	}

	/// The number of the block of this hash, or of the best one.
	fn number_of(&self, at: Option<H256>) -> Option<u32> {
		(0..=self.number)
			.rev()
			.find(|number| at.is_none_or(|at| hash(*number) == at))
	}

	fn answer(&mut self, name: &str, arguments: &[u8], at: Option<H256>) -> Option<Vec<u8>> {
		let arguments = &mut &arguments[..];
		let number = self.number_of(at)?;
		let runtime = self.runtime_at(number).clone();
		let tasks = if number <= self.last_finalized {
			&self.finalized
		} else {
			&self.best
		};
		Some(match name {
			"Core_version" => {
				let apis: Vec<([u8; 8], u32)> = Vec::new();
				let (name, version) = (runtime.name, runtime.version);
				(name, name, 1u32, version, 0u32, apis, 1u32).encode()
			}
			"Metadata_metadata" => runtime.metadata.encode(),
			"PouwApi_open_duties" => {
				self.asked = self.asked.max(number);
				self.duties.encode()
			}
			"PouwApi_tickets_of" => Vec::<TicketStatus>::new().encode(),
			"PouwApi_open_tasks" => {
				let (start, limit) = <(TaskId, u32)>::decode(arguments).ok()?;
				let tasks = tasks.open.iter().map(|status| status.task);
				tasks
					.filter(|task| *task >= start)
					.take(limit as usize)
					.collect::<Vec<TaskId>>()
					.encode()
			}
			"PouwApi_task_status" => {
				let task = TaskId::decode(arguments).ok()?;
				tasks.open.iter().find(|open| open.task == task).encode()
			}
			"PouwApi_task_summary" => {
				let task = TaskId::decode(arguments).ok()?;
				let ended = tasks.ended.iter().find(|(ended, _)| *ended == task);
				ended.map(|(_, summary)| summary).encode()
			}
			"PouwApi_round_status" => {
				let (_, round) = <(TaskId, RoundIndex)>::decode(arguments).ok()?;
				self.rounds
					.iter()
					.find(|known| known.round == round)
					.encode()
			}
			"PouwApi_open_disputes" => {
				let (task, limit) = <(Option<TaskId>, u32)>::decode(arguments).ok()?;
				let disputes = self.disputes.iter();
				disputes
					.filter(|known| task.is_none_or(|task| known.task == task))
					.map(|known| known.dispute)
					.take(limit as usize)
					.collect::<Vec<DisputeId>>()
					.encode()
			}
			"PouwApi_dispute_status" => {
				let dispute = DisputeId::decode(arguments).ok()?;
				self.disputes
					.iter()
					.find(|known| known.dispute == dispute)
					.encode()
			}
			"PouwApi_demand_status" => {
				let demand = DemandId::decode(arguments).ok()?;
				self.demands
					.iter()
					.find(|known| known.demand == demand)
					.encode()
			}
			"PouwApi_audit_status" => {
				let audit = AuditId::decode(arguments).ok()?;
				self.audits
					.iter()
					.find(|known| known.audit == audit)
					.encode()
			}
			_ => return None,
		})
	}
}
