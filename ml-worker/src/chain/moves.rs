//! The moves of a dispute that a block has.

use super::{calls::PROOFS, ChainError, View};
use codec::{Compact, DecodeAll};
use pouw_dispute::ChallengerMove;
use pouw_primitives::DisputeId;
use repops::parts::PartProof;

/// The arguments of `pursue_dispute`.
type Pursued = (Compact<DisputeId>, Vec<PartProof>, ChallengerMove);

impl View {
	/// The challenger's moves in a dispute that the block's transactions are, refused ones included.
	pub async fn pursued(&self, dispute: DisputeId) -> Result<Vec<ChallengerMove>, ChainError> {
		let client = self.chain.client().await;
		let at = client
			.at_block(subxt::utils::H256(self.head.hash.0))
			.await
			.map_err(|error| self.refused("transactions", error))?;
		let transactions = at
			.extrinsics()
			.fetch()
			.await
			.map_err(|error| self.refused("transactions", error))?;
		let mut moves = Vec::new();
		for transaction in transactions.iter() {
			let transaction = transaction.map_err(|error| self.refused("transactions", error))?;
			if (transaction.pallet_name(), transaction.call_name()) != (PROOFS, "pursue_dispute") {
				continue;
			}
			// Whoever sent it may have sent anything.
			let arguments = Pursued::decode_all(&mut transaction.call_data_field_bytes());
			if let Ok((Compact(of), _, made)) = arguments {
				if of == dispute {
					moves.push(made);
				}
			}
		}
		Ok(moves)
	}
}
