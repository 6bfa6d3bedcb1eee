//! What Prometheus can read of a running worker.

use http_body_util::Full;
use hyper::{
	body::{Bytes, Incoming},
	header::CONTENT_TYPE,
	server::conn::http1,
	service::service_fn,
	Request, Response, StatusCode,
};
use hyper_util::rt::TokioIo;
use prometheus::{
	register_int_counter_vec_with_registry, register_int_counter_with_registry,
	register_int_gauge_with_registry, Encoder, IntCounter, IntCounterVec, IntGauge, Registry,
	TextEncoder,
};
use std::{convert::Infallible, net::SocketAddr, sync::LazyLock, time::Duration};
use tokio::net::TcpListener;

/// The pause after a request that could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> =
	LazyLock::new(|| Metrics::new().expect("the names are valid and each is used once; qed"));

/// What is counted.
pub struct Metrics {
	registry: Registry,
	/// The number of the best block.
	pub best_block: IntGauge,
	/// Duties that are open now.
	pub open_duties: IntGauge,
	/// Duties by kind and outcome (`done`, `failed`).
	pub duties: IntCounterVec,
	/// Transactions by call and outcome (`included`, `failed`, `late`).
	pub transactions: IntCounterVec,
	/// Training steps computed, replays included.
	pub steps: IntCounter,
	/// Bytes of blobs fetched from others.
	pub fetched_bytes: IntCounter,
	/// Blobs that a holder did not deliver.
	pub failed_fetches: IntCounter,
	/// Times that the connection to the node was made again.
	pub reconnections: IntCounter,
}

impl Metrics {
	fn new() -> prometheus::Result<Self> {
		let registry = Registry::new_custom(Some("pouw_worker".into()), None)?;
		let r = &registry;
		Ok(Metrics {
			best_block: register_int_gauge_with_registry!(
				"best_block",
				"Number of the best block",
				r
			)?,
			open_duties: register_int_gauge_with_registry!(
				"open_duties",
				"Duties that are open now",
				r
			)?,
			duties: register_int_counter_vec_with_registry!(
				"duties_total",
				"Duties by kind and outcome",
				&["duty", "outcome"],
				r
			)?,
			transactions: register_int_counter_vec_with_registry!(
				"transactions_total",
				"Transactions by call and outcome",
				&["call", "outcome"],
				r
			)?,
			steps: register_int_counter_with_registry!(
				"steps_total",
				"Training steps computed, replays included",
				r
			)?,
			fetched_bytes: register_int_counter_with_registry!(
				"fetched_bytes_total",
				"Bytes of blobs fetched from others",
				r
			)?,
			failed_fetches: register_int_counter_with_registry!(
				"failed_fetches_total",
				"Blobs that a holder did not deliver",
				r
			)?,
			reconnections: register_int_counter_with_registry!(
				"reconnections_total",
				"Times that the connection to the node was made again",
				r
			)?,
			registry,
		})
	}

	fn text(&self) -> prometheus::Result<Vec<u8>> {
		let mut text = Vec::new();
		TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
		Ok(text)
	}
}

/// Serves the metrics at `/metrics` of this address until the program ends.
pub async fn serve(address: SocketAddr) -> std::io::Result<()> {
	let listener = TcpListener::bind(address).await?;
	tracing::info!(%address, "serving metrics");
	tokio::spawn(async move {
		loop {
			let stream = match listener.accept().await {
				Ok((stream, _)) => stream,
				Err(error) => {
					// It may fail for as long as no more files can be opened.
					tracing::warn!(%error, "a request for metrics was lost");
					tokio::time::sleep(ACCEPT_PAUSE).await;
					continue;
				}
			};
			tokio::spawn(async move {
				let service = service_fn(answer);
				// A broken connection is the asker's affair.
				let _ = http1::Builder::new()
					.serve_connection(TokioIo::new(stream), service)
					.await;
			});
		}
	});
	Ok(())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
	if request.uri().path() != "/metrics" {
		let mut response = Response::new(Full::from("metrics are at /metrics\n"));
		*response.status_mut() = StatusCode::NOT_FOUND;
		return Ok(response);
	}
	let mut response = match METRICS.text() {
		Ok(text) => Response::new(Full::from(text)),
		Err(error) => {
			let mut response = Response::new(Full::from(error.to_string()));
			*response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
			response
		}
	};
	let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4");
	response.headers_mut().insert(CONTENT_TYPE, kind);
	Ok(response)
}
