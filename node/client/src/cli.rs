//! The command line.

use polkadot_sdk::*;
use sc_cli::{
	BuildSpecCmd, ChainInfoCmd, CheckBlockCmd, ExportBlocksCmd, ExportChainSpecCmd, ExportStateCmd,
	ImportBlocksCmd, KeySubcommand, PurgeChainCmd, RevertCmd, RunCmd,
};

/// Finds a chain specification by its name or its file's path, or says why there is none.
pub type LoadChain = fn(&str) -> Result<Box<dyn sc_service::ChainSpec>, String>;

fn no_chain(name: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	Err(format!("the chain `{name}` is not known"))
}

/// A node of the POUW chain. Without a subcommand it runs.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
	/// What to do instead of running.
	#[command(subcommand)]
	pub(crate) subcommand: Option<Subcommand>,

	/// Finds the chain specification that `--chain` names.
	#[clap(skip = no_chain as LoadChain)]
	pub(crate) load_chain: LoadChain,

	/// How to run.
	#[command(flatten)]
	pub(crate) run: RunCmd,
}

/// What the program can do besides running a node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
	/// Make, inspect, sign with and verify keys.
	#[command(subcommand)]
	Key(KeySubcommand),

	/// Write a chain specification, plain or raw, as JSON.
	ExportChainSpec(ExportChainSpecCmd),

	/// Write a chain specification, as `export-chain-spec` does; this node becomes its boot node.
	BuildSpec(BuildSpecCmd),

	/// Run a block of the database again and check it.
	CheckBlock(CheckBlockCmd),

	/// Write blocks to a file.
	ExportBlocks(ExportBlocksCmd),

	/// Write the state of a block into a chain specification.
	ExportState(ExportStateCmd),

	/// Read blocks from a file.
	ImportBlocks(ImportBlocksCmd),

	/// Remove the chain's database.
	PurgeChain(PurgeChainCmd),

	/// Take back blocks that are not final.
	Revert(RevertCmd),

	/// Print what the database knows of the chain's best and final blocks.
	ChainInfo(ChainInfoCmd),
}
