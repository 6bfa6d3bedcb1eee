//! The program itself, as people and scripts use it.

use super::small;
use serde_json::Value;
use std::{
	io::Write,
	path::Path,
	process::{Command, Output, Stdio},
};

fn ml_worker(folder: &Path, arguments: &[&str]) -> Output {
	Command::new(env!("CARGO_BIN_EXE_ml-worker"))
		.args(arguments)
		.current_dir(folder)
		.env_remove("POUW_SEED")
		.output()
		.unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
	let output = ml_worker(folder, arguments);
	let (text, error) = (
		String::from_utf8(output.stdout).unwrap(),
		String::from_utf8_lossy(&output.stderr),
	);
	assert!(output.status.success(), "{error}");
	text
}

fn small_task() -> tempfile::TempDir {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("small.csv"), small::csv()).unwrap();
	std::fs::write(folder.path().join("small.toml"), small::TASK).unwrap();
	folder
}

#[test]
fn training_writes_a_model_a_picture_and_a_report() {
	let folder = small_task();
	let seed = "0x".to_owned() + &"05".repeat(32);
	let arguments = [
		"train",
		"small.toml",
		"--json",
		"--seed",
		&seed,
		"--out",
		"new/results",
	];
	let printed: Value = serde_json::from_str(&succeed(folder.path(), &arguments)).unwrap();

	let results = folder.path().join("new/results");
	let report: Value =
		serde_json::from_slice(&std::fs::read(results.join("report.json")).unwrap()).unwrap();
	assert_eq!(report, printed);
	assert_eq!(report["task"], "small");
	assert_eq!(report["accuracy"]["of"], 42);
	assert_eq!(report["round_results"].as_array().unwrap().len(), 2);
	assert_eq!(
		report["round_results"][1]["merged_root"],
		report["state_root"]
	);

	let picture = std::fs::read_to_string(results.join("loss.svg")).unwrap();
	assert!(picture.starts_with("<svg") && picture.contains("polyline"));

	let model = std::fs::read(results.join("model.safetensors")).unwrap();
	let tensors = safetensors::SafeTensors::deserialize(&model).unwrap();
	// Two linear layers; the moments of Adam are no part of the model.
	let mut shapes: Vec<Vec<usize>> = tensors
		.tensors()
		.iter()
		.map(|(_, tensor)| tensor.shape().to_vec())
		.collect();
	shapes.sort();
	assert_eq!(shapes, [vec![3], vec![5, 9], vec![9], vec![9, 3]]);
}

#[test]
fn the_roots_depend_on_neither_threads_nor_instruction_set() {
	let folder = small_task();
	let roots = |arguments: &[&str]| {
		let text = succeed(
			folder.path(),
			&[&["train", "small.toml"], arguments].concat(),
		);
		let roots: Vec<String> = text
			.lines()
			.filter(|line| line.contains("0x"))
			.map(str::to_owned)
			.collect();
		assert_eq!(roots.len(), 2 + 2 * (2 * 2 + 1), "{text}");
		roots
	};
	let expected = roots(&["--threads", "1", "--instruction-set", "portable"]);
	assert_eq!(roots(&["--threads", "2"]), expected);
}

#[test]
fn training_goes_on_from_a_model_that_was_written() {
	let folder = small_task();
	let train = |arguments: &[&str]| -> Value {
		let arguments = [&["train", "small.toml", "--json"], arguments].concat();
		serde_json::from_str(&succeed(folder.path(), &arguments)).unwrap()
	};
	let first = train(&["--out", "first"]);
	assert_eq!(first["initial_weights"], "seed");
	let second = train(&["--weights", "first/model.safetensors"]);
	assert_eq!(second["initial_weights"], "given");
	assert_ne!(second["initial_root"], first["initial_root"]);
	// The flag counts before the key, whatever that names.
	let text = small::TASK.to_owned() + "initial_weights = \"nowhere.safetensors\"\n";
	std::fs::write(folder.path().join("small.toml"), text).unwrap();
	let again = train(&["--weights", "first/model.safetensors"]);
	assert_eq!(again["state_root"], second["state_root"]);

	let output = ml_worker(folder.path(), &["train", "small.toml"]);
	let error = String::from_utf8(output.stderr).unwrap();
	assert!(
		error.contains("`training.initial_weights`: weights"),
		"{error}"
	);
	assert!(
		error.contains("nowhere.safetensors: No such file"),
		"{error}"
	);
}

#[test]
fn a_wrong_task_file_is_explained() {
	let folder = small_task();
	std::fs::write(folder.path().join("bad.csv"), "1,2,3,4,5,0\n1,2,x,4,5,0\n").unwrap();
	let text = small::TASK.replace("small.csv", "bad.csv");
	std::fs::write(folder.path().join("bad.toml"), text).unwrap();
	let output = ml_worker(folder.path(), &["train", "bad.toml", "--json"]);
	assert_eq!(output.status.code(), Some(1));
	assert!(output.stdout.is_empty());
	let error: Value = serde_json::from_slice(&output.stderr).unwrap();
	let error = error["error"].as_str().unwrap();
	assert!(error.contains("bad.toml, line 8, `data.source`"), "{error}");
	assert!(
		error.contains("bad.csv, line 2, column 3: `x` is not a number"),
		"{error}"
	);
	assert!(!folder.path().join("trained").exists());
}

#[test]
fn keys_are_made_shown_and_imported() {
	let folder = tempfile::tempdir().unwrap();
	let json = |arguments: &[&str]| -> Value {
		serde_json::from_str(&succeed(folder.path(), &[arguments, &["--json"]].concat())).unwrap()
	};
	let made = json(&["keys", "generate", "key"]);
	let shown = json(&["keys", "show", "--key-file", "key"]);
	assert_eq!(made["address"], shown["address"]);
	assert!(made["address"].as_str().unwrap().starts_with("pw"));

	let secret = std::fs::read(folder.path().join("key")).unwrap();
	let mut import = Command::new(env!("CARGO_BIN_EXE_ml-worker"))
		.args(["keys", "import", "copy", "--json"])
		.current_dir(folder.path())
		.stdin(Stdio::piped())
		.stdout(Stdio::piped())
		.spawn()
		.unwrap();
	import.stdin.take().unwrap().write_all(&secret).unwrap();
	let imported: Value =
		serde_json::from_slice(&import.wait_with_output().unwrap().stdout).unwrap();
	assert_eq!(imported["public_key"], made["public_key"]);

	let output = ml_worker(folder.path(), &["keys", "show"]);
	assert_eq!(output.status.code(), Some(1));
	let error = String::from_utf8(output.stderr).unwrap();
	assert!(error.contains("ml-worker keys generate"), "{error}");
}
