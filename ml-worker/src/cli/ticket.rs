//! `ml-worker ticket`: buy, list and retire tickets.

use super::{asynchronously, Failure, Global};
use crate::{
	amount::Amount,
	chain::{AccountId, Call, Until},
	config::{AccountOptions, CapabilityOptions, Duties, StoreOptions},
	keys::address,
};
use clap::{Args, Subcommand};
use pouw_primitives::{
	status::{TicketState, TicketStatus},
	ticket::{Role, SocketAddress},
	TicketId,
};
use serde_json::json;
use std::net::SocketAddr;

/// `ml-worker ticket`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(subcommand)]
	action: Action,
}

#[derive(Subcommand)]
enum Action {
	/// Buy tickets for a role; they can be drawn once they have matured.
	Buy(Buy),
	/// List an account's tickets.
	List {
		#[command(flatten)]
		account: AccountOptions,
	},
	/// Give tickets back; a task that holds one lets it go first.
	Retire {
		/// The tickets' numbers.
		#[arg(required = true, value_name = "TICKET")]
		tickets: Vec<TicketId>,
		#[command(flatten)]
		account: AccountOptions,
	},
}

#[derive(Args)]
struct Buy {
	/// What the tickets are for.
	#[arg(long, env = "POUW_ROLE", value_name = "ROLE", value_delimiter = ',')]
	role: Vec<Duties>,
	/// How many tickets of each role.
	#[arg(long, default_value_t = 1, value_name = "NUMBER")]
	count: u32,
	/// The most that a ticket may cost, in POUW.
	#[arg(long, default_value = "100", value_name = "POUW")]
	max_price: Amount,
	#[command(flatten)]
	account: AccountOptions,
	#[command(flatten)]
	store: StoreOptions,
	#[command(flatten)]
	capabilities: CapabilityOptions,
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	asynchronously(async {
		match arguments.action {
			Action::Buy(buy) => run_buy(buy, global).await,
			Action::List { account } => list(&account, global).await,
			Action::Retire { tickets, account } => retire(&tickets, &account, global).await,
		}
	})
}

async fn run_buy(buy: Buy, global: &Global) -> Result<(), Failure> {
	let file = buy.account.file()?;
	let roles: Vec<Role> = buy
		.role
		.iter()
		.filter_map(|role| role.ticket_role())
		.collect();
	if roles.is_empty() {
		let roles = "trainer, supervisor, verifier or evaluator";
		return Err(format!("--role says what the ticket is for: {roles}").into());
	}
	let keypair = buy.account.keypair(&file)?;
	let endpoint = buy.store.identity(&file)?.advertised();
	let capabilities = buy.capabilities.capabilities(&file);
	let chain = buy.account.connect(&file).await?;
	let orders: Vec<Role> = roles
		.iter()
		.flat_map(|role| std::iter::repeat_n(*role, buy.count as usize))
		.collect();
	// All at once, so that they get into the same block.
	let receipts = futures::future::join_all(orders.iter().map(|role| {
		let call = Call::buy_ticket(*role, &capabilities, &endpoint, buy.max_price.0);
		let (chain, keypair) = (&chain, &keypair);
		async move { chain.submit(keypair, &call, Until::Best).await }
	}))
	.await;
	let mut bought = Vec::new();
	for (role, receipt) in orders.iter().zip(receipts) {
		let receipt = receipt?;
		let number = |field| receipt.number("Tickets", "TicketBought", field);
		let (Some(ticket), Some(price)) = (number("ticket"), number("price")) else {
			return Err("the chain took the call, but its event can't be read".into());
		};
		if !global.json {
			println!(
				"ticket {ticket}: {}, {} POUW on hold",
				name(*role),
				Amount(price)
			);
		}
		bought.push(json!({
			"ticket": ticket as u64,
			"role": role,
			"price": price.to_string(),
			"matures": number("matures").map(|block| block as u64),
			"expires": number("expires").map(|block| block as u64),
		}));
	}
	if global.json {
		println!(
			"{}",
			json!({ "account": address(&keypair.public_key().0), "tickets": bought })
		);
	}
	Ok(())
}

async fn list(options: &AccountOptions, global: &Global) -> Result<(), Failure> {
	let file = options.file()?;
	let account = AccountId::from(options.keypair(&file)?.public_key().0);
	let view = options.connect(&file).await?.best().await?;
	let tickets = view.tickets_of(&account).await?;
	if global.json {
		println!(
			"{}",
			json!({ "account": address(&account.0), "tickets": tickets })
		);
		return Ok(());
	}
	println!("{} has {} tickets", address(&account.0), tickets.len());
	for ticket in &tickets {
		println!("{}", describe(ticket));
	}
	Ok(())
}

async fn retire(
	tickets: &[TicketId],
	account: &AccountOptions,
	global: &Global,
) -> Result<(), Failure> {
	let file = account.file()?;
	let keypair = account.keypair(&file)?;
	let chain = account.connect(&file).await?;
	for ticket in tickets {
		let receipt = chain
			.submit(&keypair, &Call::retire_ticket(*ticket), Until::Best)
			.await?;
		let returned = receipt.number("Tickets", "TicketReturned", "amount");
		match (global.json, returned) {
			(true, _) => {
				let returned = returned.map(|amount| amount.to_string());
				println!("{}", json!({ "ticket": ticket, "returned": returned }));
			}
			(false, Some(amount)) => println!("ticket {ticket}: {} POUW are free", Amount(amount)),
			(false, None) => println!("ticket {ticket}: given back when its task lets it go"),
		}
	}
	Ok(())
}

/// A role's name.
pub(super) fn name(role: Role) -> &'static str {
	match role {
		Role::Trainer => "trainer",
		Role::Supervisor => "supervisor",
		Role::Verifier => "verifier",
		Role::Evaluator => "evaluator",
	}
}

fn describe(ticket: &TicketStatus) -> String {
	let state = match ticket.state {
		TicketState::Maturing(block) => format!("matures at block {block}"),
		TicketState::Pooled => "in the pool".into(),
		TicketState::Locked(task) => format!("held by task {task}"),
		TicketState::Retiring(task) => format!("retiring, held by task {task}"),
	};
	let addresses: Vec<String> = ticket
		.endpoint
		.addresses
		.iter()
		.map(|address| match *address {
			SocketAddress::V4(ip, port) => SocketAddr::from((ip, port)).to_string(),
			SocketAddress::V6(ip, port) => SocketAddr::from((ip, port)).to_string(),
		})
		.collect();
	format!(
		"{:>6}  {:<10}  {} POUW  {state}, expires at block {}, missed duties: {}, blobs at {}",
		ticket.ticket,
		name(ticket.role),
		Amount(ticket.stake),
		ticket.expires,
		ticket.missed,
		addresses.join(" "),
	)
}
