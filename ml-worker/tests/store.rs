//! Blobs between stores: from a holder, from the next one if the first fails, never with another hash.

use iroh::{
	endpoint::{presets::Minimal, Connection},
	protocol::{AcceptError, ProtocolHandler, Router},
	RelayMode,
};
use ml_worker::store::{AttemptFailure, FetchError, Identity, Store};
use polkadot_sdk::sp_core::{bounded::BoundedVec, H256};
use pouw_primitives::ticket::{Endpoint, SocketAddress};
use std::{
	fs::Permissions,
	net::{Ipv4Addr, SocketAddr},
	os::unix::fs::PermissionsExt,
	path::Path,
	pin::pin,
	time::Duration,
};
use tempfile::TempDir;

const GROUP: &str = "task-1";

struct Place {
	folder: TempDir,
	store: Store,
}

async fn open() -> Place {
	let folder = TempDir::new().unwrap();
	let identity = Identity::load_or_create(folder.path(), None, &[]).unwrap();
	let store = Store::open(folder.path(), &identity).await.unwrap();
	Place { folder, store }
}

fn blob(length: usize) -> Vec<u8> {
	(0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// An endpoint at which nobody listens.
fn nobody() -> Endpoint {
	let folder = TempDir::new().unwrap();
	Identity::load_or_create(folder.path(), None, &[])
		.unwrap()
		.advertised()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_fetched_and_served_on() {
	let (first, second, third) = (open().await, open().await, open().await);
	let bytes = blob(3_000_000);
	let hash = first.store.put(GROUP, bytes.clone()).await.unwrap();
	assert_eq!(hash.0, *blake3::hash(&bytes).as_bytes());

	let limit = bytes.len() as u64;
	let from_first = [first.store.endpoint().clone()];
	let fetched = second
		.store
		.fetch(GROUP, &hash, limit, &from_first)
		.await
		.unwrap();
	assert!(fetched == bytes);
	first.store.shutdown().await;

	let from_second = [second.store.endpoint().clone()];
	let fetched = third
		.store
		.fetch(GROUP, &hash, limit, &from_second)
		.await
		.unwrap();
	assert!(fetched == bytes);
	// What is here needs no holder.
	assert!(third.store.fetch(GROUP, &hash, limit, &[]).await.unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_holder_is_asked_when_one_fails() {
	let (without, with, asking) = (open().await, open().await, open().await);
	let bytes = blob(100_000);
	let hash = with.store.put(GROUP, bytes.clone()).await.unwrap();
	let liar = liar().await;
	let holders = [
		nobody(),
		without.store.endpoint().clone(),
		liar.1.clone(),
		with.store.endpoint().clone(),
	];
	let fetched = asking
		.store
		.fetch(GROUP, &hash, 100_000, &holders)
		.await
		.unwrap();
	assert!(fetched == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_that_stall_are_not_waited_for() {
	let (with, asking) = (open().await, open().await);
	let bytes = blob(100_000);
	let hash = with.store.put(GROUP, bytes.clone()).await.unwrap();
	let stalling = [
		foreign(Stalling).await,
		foreign(Stalling).await,
		foreign(Stalling).await,
	];
	let mut holders: Vec<Endpoint> = stalling.iter().map(|(_, named)| named.clone()).collect();
	holders.push(with.store.endpoint().clone());
	// One after another they would be waited for half a minute.
	let fetched = asking.store.fetch(GROUP, &hash, 100_000, &holders);
	let fetched = tokio::time::timeout(Duration::from_secs(20), fetched).await;
	assert!(fetched.expect("it waits").unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_not_there_breaks_no_other_transfer() {
	let (with, asking) = (open().await, open().await);
	let holders = [with.store.endpoint().clone()];
	let bytes = blob(60_000_000);
	let hash = with.store.put(GROUP, bytes.clone()).await.unwrap();
	let limit = bytes.len() as u64;
	// The connection is there before, so that all use the same.
	let small = with.store.put(GROUP, blob(10)).await.unwrap();
	let fetched = asking.store.fetch(GROUP, &small, 10, &holders).await;
	assert!(fetched.is_ok());
	let mut large = pin!(asking.store.fetch(GROUP, &hash, limit, &holders));
	let mut missing: u32 = 0;
	let fetched = loop {
		let other = H256::from_low_u64_be(missing.into());
		let absent = asking.store.fetch(GROUP, &other, 1000, &holders);
		tokio::select! {
			fetched = &mut large => break fetched,
			absent = absent => {
				assert!(matches!(absent, Err(FetchError::NotFound { .. })));
				missing += 1;
			}
		}
	};
	assert!(fetched.unwrap() == bytes);
	assert!(missing > 0, "the large blob came too fast for this test");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_reached_is_known_whether_it_delivers_or_not() {
	let (without, asking) = (open().await, open().await);
	let (nobody, somebody) = ([nobody()], [without.store.endpoint().clone()]);
	let hash = H256::repeat_byte(7);
	for holders in [&nobody, &somebody] {
		assert!(!asking.store.has_reached(holders));
		let fetched = asking.store.fetch(GROUP, &hash, 1000, holders).await;
		assert!(matches!(fetched, Err(FetchError::NotFound { .. })));
	}
	assert!(!asking.store.has_reached(&nobody));
	assert!(asking.store.has_reached(&somebody));
	assert!(asking.store.has_reached(&[nobody, somebody].concat()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_owner_looks_into_a_folder() {
	let outer = TempDir::new().unwrap();
	let folder = outer.path().join("worker");
	// What a write that was broken off has left.
	std::fs::create_dir(&folder).unwrap();
	std::fs::write(folder.join("endpoint.json.new"), "half of").unwrap();
	std::fs::set_permissions(
		folder.join("endpoint.json.new"),
		Permissions::from_mode(0o666),
	)
	.unwrap();
	let identity = Identity::load_or_create(&folder, None, &[]).unwrap();
	let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
	assert_eq!(mode(&folder.join("endpoint.json")), 0o600);
	let store = Store::open(&folder, &identity).await.unwrap();
	assert_eq!(mode(&folder.join("blobs")), 0o700);
	store.shutdown().await;
	let made = outer.path().join("another");
	Identity::load_or_create(&made, None, &[]).unwrap();
	assert_eq!(mode(&made), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_failed_is_reported() {
	let (without, asking) = (open().await, open().await);
	let hash = H256::repeat_byte(7);
	let liar = liar().await;
	let holders = [nobody(), without.store.endpoint().clone(), liar.1.clone()];
	let error = asking
		.store
		.fetch(GROUP, &hash, 1000, &holders)
		.await
		.unwrap_err();
	let FetchError::NotFound {
		hash: named,
		attempts,
	} = error
	else {
		panic!("{error}");
	};
	assert_eq!(named, hash);
	let failed: Vec<&Endpoint> = attempts.iter().map(|attempt| &attempt.holder).collect();
	assert_eq!(failed, holders.iter().collect::<Vec<_>>());
	assert!(matches!(
		attempts[0].failure,
		AttemptFailure::Unreachable(_)
	));
	assert!(matches!(
		attempts[1].failure,
		AttemptFailure::NotDelivered(_)
	));
	assert!(matches!(
		attempts[2].failure,
		AttemptFailure::NotDelivered(_) | AttemptFailure::TimedOut
	));
	assert!(!asking.store.has(&hash).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_too_large_is_refused_before_it_is_stored() {
	let (first, second) = (open().await, open().await);
	let hash = first.store.put(GROUP, blob(50_000)).await.unwrap();
	let holders = [first.store.endpoint().clone()];
	let error = second
		.store
		.fetch(GROUP, &hash, 49_999, &holders)
		.await
		.unwrap_err();
	assert!(
		matches!(
			error,
			FetchError::TooLarge {
				size: 50_000,
				limit: 49_999,
				..
			}
		),
		"{error}"
	);
	assert!(!second.store.has(&hash).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_address_survive_a_restart() {
	let Place { folder, store } = open().await;
	let hash = store.put(GROUP, blob(40_000)).await.unwrap();
	let endpoint = store.endpoint().clone();
	store.shutdown().await;
	drop(store);

	let identity = Identity::load_or_create(folder.path(), None, &[]).unwrap();
	assert_eq!(identity.advertised(), endpoint);
	let store = Store::open(folder.path(), &identity).await.unwrap();
	assert!(store.get(&hash).await.unwrap() == Some(blob(40_000)));
	let asking = open().await;
	assert!(asking
		.store
		.fetch(GROUP, &hash, 40_000, &[endpoint])
		.await
		.is_ok());
}

#[test]
fn an_address_for_all_needs_one_to_advertise() {
	let folder = TempDir::new().unwrap();
	let everywhere: SocketAddr = "0.0.0.0:4433".parse().unwrap();
	let error = Identity::load_or_create(folder.path(), Some(everywhere), &[]).unwrap_err();
	assert!(error.to_string().contains("--advertise"), "{error}");
	let public: SocketAddr = "192.0.2.1:0".parse().unwrap();
	let identity = Identity::load_or_create(folder.path(), Some(everywhere), &[public]).unwrap();
	assert_eq!(
		identity.advertised().addresses.to_vec(),
		[SocketAddress::V4([192, 0, 2, 1], 4433)]
	);
}

#[test]
fn a_damaged_endpoint_is_named() {
	let folder = TempDir::new().unwrap();
	std::fs::write(folder.path().join("endpoint.json"), "{}").unwrap();
	let error = Identity::load_or_create(folder.path(), None, &[]).unwrap_err();
	assert!(error.to_string().contains("endpoint.json"), "{error}");
}

/// A holder that answers every request with bytes of its own.
#[derive(Debug)]
struct Liar;

impl ProtocolHandler for Liar {
	async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
		while let Ok((mut send, mut recv)) = connection.accept_bi().await {
			let _ = recv.read_to_end(100_000).await;
			let _ = send.write_all(&1000u64.to_le_bytes()).await;
			let _ = send.write_all(&blob(1000)).await;
			let _ = send.finish();
		}
		Ok(())
	}
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

async fn liar() -> (Router, Endpoint) {
	foreign(Liar).await
}

async fn foreign(holder: impl ProtocolHandler) -> (Router, Endpoint) {
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
	let named = Endpoint {
		key: *endpoint.id().as_bytes(),
		addresses: BoundedVec::truncate_from(vec![SocketAddress::V4(
			address.ip().octets(),
			address.port(),
		)]),
	};
	(
		Router::builder(endpoint)
			.accept(iroh_blobs::ALPN, holder)
			.spawn(),
		named,
	)
}
