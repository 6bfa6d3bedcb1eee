//! What operands each operation takes, and how it refuses others.

mod support;

use repops::{
	check::{cost, infer, Reason},
	program::*,
	tensor::{DType, Shape, TensorType},
};

/// The refusal of one operation on values of these types.
fn refused(kind: OperationKind, operands: &[&TensorType]) -> Reason {
	infer(&kind, operands).unwrap_err()
}

#[test]
fn operations_refuse_operands_of_other_types() {
	use OperationKind::*;
	let (f, u) = (TensorType::f32([2, 3]), TensorType::u32([2, 3]));
	let list = TensorType::u32([4]);
	let foreign = Bits(0x7FC0_0001);
	let plain = MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let needs = |operand, expected| Reason::ElementType { operand, expected };
	let differ = |left: &TensorType, right: &TensorType| Reason::OperandsDiffer {
		left: left.clone(),
		right: right.clone(),
	};

	for kind in [
		Exp,
		Log,
		Sqrt,
		Tanh,
		Reciprocal,
		Sum { axis: 0 },
		Max { axis: 1 },
		ArgMax { axis: 1 },
		AddScalar(1.0.into()),
	] {
		assert_eq!(refused(kind.clone(), &[&u]), needs(0, DType::F32));
		assert_eq!(
			refused(kind.clone(), &[]),
			Reason::OperandCount {
				expected: 1,
				found: 0
			}
		);
		assert_eq!(
			refused(kind, &[&f, &f]),
			Reason::OperandCount {
				expected: 1,
				found: 2
			}
		);
	}
	for kind in [Add, Subtract, Multiply, Divide] {
		let other = TensorType::f32([3, 2]);
		assert_eq!(refused(kind.clone(), &[&f, &other]), differ(&f, &other));
		assert_eq!(refused(kind, &[&u, &u]), needs(0, DType::F32));
	}
	assert_eq!(refused(Compare(Relation::Less), &[&f, &u]), differ(&f, &u));
	assert_eq!(
		refused(CompareScalar(Relation::Less, 0.0.into()), &[&u]),
		needs(0, DType::F32)
	);
	assert_eq!(refused(Select, &[&f, &f, &f]), needs(0, DType::U32));
	assert_eq!(refused(Select, &[&list, &f, &f]), differ(&list, &f));
	assert_eq!(refused(Fill(0.0.into()), &[&f, &f]), needs(0, DType::U32));
	for kind in [
		AddScalar(foreign),
		MultiplyScalar(foreign),
		CompareScalar(Relation::Less, foreign),
	] {
		assert_eq!(refused(kind, &[&f]), Reason::ForeignNan);
	}
	assert_eq!(refused(Fill(foreign), &[&u, &f]), Reason::ForeignNan);
	assert_eq!(
		refused(
			Constant {
				shape: [1].into(),
				value: foreign
			},
			&[]
		),
		Reason::ForeignNan
	);

	assert_eq!(
		refused(plain.clone(), &[&f, &f]),
		Reason::InnerLengths { left: 3, right: 2 }
	);
	assert_eq!(
		refused(plain.clone(), &[&f, &TensorType::f32([3])]),
		Reason::OperandRank {
			operand: 1,
			expected: 2,
			found: 1
		}
	);
	assert_eq!(refused(plain, &[&f, &u]), needs(1, DType::F32));
	assert_eq!(
		refused(Sum { axis: 2 }, &[&f]),
		Reason::NoSuchAxis { axis: 2 }
	);
	assert_eq!(
		refused(Max { axis: 255 }, &[&f]),
		Reason::NoSuchAxis { axis: 255 }
	);
	for shape in [Shape::from([4, 3]), [2, 3, 1].into(), [2, 1].into()] {
		assert_eq!(
			refused(Broadcast { shape }, &[&f]),
			Reason::ShapeNotReachable { from: f.clone() }
		);
	}
	for shape in [Shape::from([7]), Shape(vec![u32::MAX; 4])] {
		assert_eq!(
			refused(Reshape { shape }, &[&f]),
			Reason::ShapeNotReachable { from: f.clone() }
		);
	}
	assert_eq!(
		refused(GatherRows, &[&f, &TensorType::f32([4])]),
		needs(1, DType::U32)
	);
	assert_eq!(
		refused(GatherRows, &[&f, &u]),
		Reason::OperandRank {
			operand: 1,
			expected: 1,
			found: 2
		}
	);
	assert_eq!(
		refused(OneHot { classes: 0 }, &[&list]),
		Reason::ZeroAttribute
	);
	assert_eq!(
		refused(OneHot { classes: 3 }, &[&u]),
		Reason::OperandRank {
			operand: 0,
			expected: 1,
			found: 2
		}
	);
	assert_eq!(refused(CountNonzero, &[&f]), needs(0, DType::U32));
	for axes in [vec![], vec![0], vec![1, 1], vec![0, 2], vec![0, 1, 2]] {
		assert_eq!(refused(Permute { axes }, &[&f]), Reason::AxisOrder);
	}
	assert_eq!(refused(Exp, &[&TensorType::f32([2, 0])]), Reason::EmptyAxis);
	assert_eq!(
		refused(
			Constant {
				shape: [0].into(),
				value: 0.0.into()
			},
			&[]
		),
		Reason::EmptyAxis
	);
	let (seed, position) = (TensorType::u32([8]), TensorType::u32([2]));
	for (population, batch) in [(0, 1), (1, 0)] {
		let kind = BatchRows { population, batch };
		assert_eq!(refused(kind, &[&seed, &position]), Reason::ZeroAttribute);
	}
	assert_eq!(
		refused(
			BatchRows {
				population: 1,
				batch: 1
			},
			&[&position, &position]
		),
		Reason::Type {
			expected: seed,
			found: position
		}
	);
}

fn one_window() -> Window {
	Window {
		kernel: [2, 3],
		stride: [1, 1],
		padding: [0, 0],
		dilation: [1, 1],
	}
}

fn count_of(expected: u32, found: u32) -> Reason {
	Reason::OperandCount { expected, found }
}

fn rank_of(operand: u32, expected: u32, found: u32) -> Reason {
	Reason::OperandRank {
		operand,
		expected,
		found,
	}
}

#[test]
fn products_of_stacks_need_stacks_that_agree() {
	let plain = OperationKind::MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let sum = OperationKind::MatMulSum {
		transpose_left: true,
		transpose_right: false,
	};
	let (two, three) = (TensorType::f32([2, 4, 4]), TensorType::f32([3, 4, 4]));
	let single = TensorType::f32([4, 4]);
	let differ = |left: &TensorType, right: &TensorType| Reason::OperandsDiffer {
		left: left.clone(),
		right: right.clone(),
	};
	for kind in [&plain, &sum] {
		assert_eq!(refused(kind.clone(), &[&two, &three]), differ(&two, &three));
		let deeper = TensorType::f32([1, 2, 4, 4]);
		assert_eq!(
			refused(kind.clone(), &[&two, &deeper]),
			differ(&two, &deeper)
		);
		assert_eq!(refused(kind.clone(), &[&two]), count_of(2, 1));
		let list = TensorType::f32([4]);
		assert_eq!(refused(kind.clone(), &[&list, &two]), rank_of(0, 2, 1));
	}
	// A single matrix is a factor of each product, but no operand of a sum.
	assert_eq!(infer(&plain, &[&two, &single]), Ok(two.clone()));
	assert_eq!(infer(&plain, &[&single, &two]), Ok(two.clone()));
	assert_eq!(refused(sum, &[&two, &single]), differ(&two, &single));
	let other = TensorType::f32([2, 5, 4]);
	assert_eq!(
		refused(plain, &[&two, &other]),
		Reason::InnerLengths { left: 4, right: 5 }
	);
}

#[test]
fn windows_lie_on_pictures() {
	use OperationKind::*;
	let window = one_window();
	let (pictures, size) = (TensorType::f32([1, 2, 4, 4]), [4, 4]);
	let windows = TensorType::f32([1, 2, 6, 6]);
	let (pooled, chosen) = (TensorType::f32([1, 2, 1, 6]), TensorType::u32([1, 2, 1, 6]));
	let unfold = |window| Unfold {
		window,
		fill: 0.0.into(),
	};
	assert_eq!(infer(&unfold(window), &[&pictures]), Ok(windows.clone()));
	assert_eq!(
		infer(&Fold { window, size }, &[&windows]),
		Ok(pictures.clone())
	);
	assert_eq!(
		infer(&Unpool { window, size }, &[&pooled, &chosen]),
		Ok(pictures.clone())
	);

	let none = Reason::NoWindow { size };
	for spoil in [
		(|window| window.kernel = [5, 1]) as fn(&mut Window),
		|window| window.kernel = [0, 1],
		|window| window.stride = [1, 0],
		|window| window.dilation = [0, 1],
		|window| window.dilation = [1, 2],
		|window| window.padding = [u32::MAX, u32::MAX],
		|window| window.kernel = [u32::MAX, u32::MAX],
		// One window, but of more positions than there may be.
		|window| (window.kernel, window.padding) = ([1 << 15, 1 << 15], [1 << 15, 1 << 15]),
	] {
		let mut window = window;
		spoil(&mut window);
		assert_eq!(refused(unfold(window), &[&pictures]), none, "{window:?}");
		assert_eq!(refused(Fold { window, size }, &[&windows]), none);
		assert_eq!(refused(Unpool { window, size }, &[&pooled, &chosen]), none);
	}

	let flat = TensorType::f32([2, 4, 4]);
	assert_eq!(refused(unfold(window), &[&flat]), rank_of(0, 4, 3));
	assert_eq!(refused(Fold { window, size }, &[&flat]), rank_of(0, 4, 3));
	assert_eq!(
		refused(Unpool { window, size }, &[&flat, &chosen]),
		rank_of(0, 4, 3)
	);
	assert_eq!(refused(unfold(window), &[]), count_of(1, 0));
	assert_eq!(
		refused(unfold(window), &[&TensorType::u32([1, 2, 4, 4])]),
		Reason::ElementType {
			operand: 0,
			expected: DType::F32
		}
	);
	let foreign = Unfold {
		window,
		fill: Bits(0xFFC0_0000),
	};
	assert_eq!(refused(foreign, &[&pictures]), Reason::ForeignNan);
	// Of pictures of another size there are as many windows as that size has.
	let wrong = |expected: &TensorType, found: &TensorType| Reason::Type {
		expected: expected.clone(),
		found: found.clone(),
	};
	let other = Fold {
		window,
		size: [4, 5],
	};
	assert_eq!(
		refused(other, &[&windows]),
		wrong(&TensorType::f32([1, 2, 6, 9]), &windows)
	);
	assert_eq!(
		refused(Unpool { window, size }, &[&windows, &chosen]),
		wrong(&pooled, &windows)
	);
	assert_eq!(
		refused(Unpool { window, size }, &[&pooled, &pooled]),
		wrong(&chosen, &pooled)
	);
	let nothing = Fold {
		window: Window {
			padding: [1, 1],
			..one_window()
		},
		size: [0, 4],
	};
	assert_eq!(
		refused(nothing, &[&TensorType::f32([1, 2, 6, 4])]),
		Reason::EmptyAxis
	);
}

#[test]
fn parts_lie_within_the_whole() {
	use OperationKind::*;
	let whole = TensorType::f32([3, 5]);
	let outside = Reason::NoSuchPart {
		whole: whole.clone(),
	};
	let cases: [(&[u32], &[u32]); 8] = [
		(&[0, 1], &[3, 5]),
		(&[3, 0], &[1, 1]),
		(&[u32::MAX, 0], &[1, 1]),
		(&[0, u32::MAX], &[1, u32::MAX]),
		(&[0], &[3, 5]),
		(&[0, 0, 0], &[3, 5]),
		(&[0, 0], &[3]),
		(&[0, 0], &[3, 5, 1]),
	];
	for (starts, shape) in cases {
		let starts = starts.to_vec();
		let cut = Slice {
			starts: starts.clone(),
			shape: Shape(shape.to_vec()),
		};
		assert_eq!(refused(cut, &[&whole]), outside, "{starts:?} {shape:?}");
		let part = TensorType::f32(shape.to_vec());
		assert_eq!(refused(Insert { starts }, &[&whole, &part]), outside);
	}
	let nothing = Slice {
		starts: vec![0, 5],
		shape: [1, 0].into(),
	};
	assert_eq!(refused(nothing, &[&whole]), Reason::EmptyAxis);
	let starts = vec![0, 0];
	assert_eq!(
		refused(Insert { starts }, &[&whole, &TensorType::u32([1, 1])]),
		Reason::ElementType {
			operand: 1,
			expected: DType::F32
		}
	);
}

#[test]
fn rows_are_scattered_by_as_many_indices() {
	let scatter = |rows| OperationKind::ScatterRows { rows };
	let (a, indices) = (TensorType::f32([4, 2, 3]), TensorType::u32([4]));
	assert_eq!(
		infer(&scatter(9), &[&a, &indices]),
		Ok(TensorType::f32([9, 2, 3]))
	);
	assert_eq!(refused(scatter(0), &[&a, &indices]), Reason::ZeroAttribute);
	let five = TensorType::u32([5]);
	assert_eq!(
		refused(scatter(9), &[&a, &five]),
		Reason::OperandsDiffer {
			left: a.clone(),
			right: five
		}
	);
	assert_eq!(
		refused(scatter(9), &[&a, &TensorType::u32([4, 1])]),
		rank_of(1, 1, 2)
	);
	let needs = |operand, expected| Reason::ElementType { operand, expected };
	assert_eq!(
		refused(scatter(9), &[&a, &TensorType::f32([4])]),
		needs(1, DType::U32)
	);
	assert_eq!(
		refused(scatter(9), &[&TensorType::u32([4, 2]), &indices]),
		needs(0, DType::F32)
	);
}

#[test]
fn what_is_made_of_nothing_has_a_shape() {
	use OperationKind::*;
	let shape = Shape::from([2, 3]);
	let iota = |axis| Iota {
		shape: shape.clone(),
		axis,
	};
	assert_eq!(infer(&iota(1), &[]), Ok(TensorType::f32([2, 3])));
	assert_eq!(refused(iota(2), &[]), Reason::NoSuchAxis { axis: 2 });
	assert_eq!(refused(iota(255), &[]), Reason::NoSuchAxis { axis: 255 });
	assert_eq!(refused(iota(0), &[&TensorType::f32([1])]), count_of(0, 1));

	let (seed, position) = (TensorType::u32([8]), TensorType::u32([2]));
	let random = |distribution| Random {
		stream: 0,
		shape: shape.clone(),
		distribution,
	};
	let uniform = |low: f32, high: f32| Initialiser::Uniform {
		low: low.into(),
		high: high.into(),
	};
	assert_eq!(
		infer(&random(uniform(0.0, 1.0)), &[&seed, &position]),
		Ok(TensorType::f32([2, 3]))
	);
	for distribution in [
		uniform(1.0, 1.0),
		uniform(f32::MIN, f32::MAX),
		Initialiser::Constant(f32::INFINITY.into()),
		Initialiser::Normal {
			mean: 0.0.into(),
			deviation: (-1.0).into(),
		},
	] {
		assert_eq!(
			refused(random(distribution), &[&seed, &position]),
			Reason::Initialiser
		);
	}
	assert_eq!(
		refused(random(uniform(0.0, 1.0)), &[&position, &seed]),
		Reason::Type {
			expected: seed,
			found: position
		}
	);
}

#[test]
fn numbers_and_integers_become_each_other() {
	let (f, u) = (TensorType::f32([2, 3]), TensorType::u32([2, 3]));
	let needs = |expected| Reason::ElementType {
		operand: 0,
		expected,
	};
	assert_eq!(infer(&OperationKind::ToInteger, &[&f]), Ok(u.clone()));
	assert_eq!(infer(&OperationKind::ToNumber, &[&u]), Ok(f.clone()));
	assert_eq!(refused(OperationKind::ToInteger, &[&u]), needs(DType::F32));
	assert_eq!(refused(OperationKind::ToNumber, &[&f]), needs(DType::U32));
	assert_eq!(refused(OperationKind::Erf, &[&u]), needs(DType::F32));
	// A choice or a repetition is of what it is made of.
	assert_eq!(infer(&OperationKind::Select, &[&u, &u, &u]), Ok(u.clone()));
	assert_eq!(
		refused(OperationKind::Select, &[&u, &f, &u]),
		Reason::OperandsDiffer {
			left: f.clone(),
			right: u.clone()
		}
	);
	let shape = Shape::from([2, 3]);
	let kind = OperationKind::Broadcast { shape };
	assert_eq!(infer(&kind, &[&TensorType::u32([1, 3])]), Ok(u));
	assert_eq!(
		infer(&OperationKind::ArgMax { axis: 0 }, &[&f]),
		Ok(TensorType::u32([1, 3]))
	);
	assert_eq!(
		refused(OperationKind::ArgMax { axis: 2 }, &[&f]),
		Reason::NoSuchAxis { axis: 2 }
	);
}

/// What an operation costs is no less than what it reads and writes where that is more than a few elements.
#[test]
fn costs_count_what_is_done() {
	use OperationKind::*;
	let found = |kind: OperationKind, operands: &[&TensorType]| {
		let result = infer(&kind, operands).unwrap();
		cost(&kind, operands, &result)
	};
	let f = |shape: &[u32]| TensorType::f32(shape.to_vec());
	let stacked = (f(&[5, 3, 7]), f(&[5, 7, 2]));
	let flags = |sum: bool| match sum {
		true => MatMulSum {
			transpose_left: false,
			transpose_right: false,
		},
		false => MatMul {
			transpose_left: false,
			transpose_right: false,
		},
	};
	for sum in [false, true] {
		let cost = found(flags(sum), &[&stacked.0, &stacked.1]);
		assert_eq!(cost, Some(5 * 3 * 7 * 2));
	}
	let long = (f(&[1 << 16, 1 << 16, 2]), f(&[1 << 16, 2, 1 << 16]));
	let cost_of_long = found(flags(false), &[&long.0, &long.1]);
	assert_eq!(cost_of_long, Some(1 << 49));
	let most = f(&[u32::MAX, u32::MAX, u32::MAX]);
	assert_eq!(found(flags(false), &[&most, &most]), None);

	// Few windows of one place on a large picture: what is written counts too.
	let sparse = Window {
		kernel: [1, 1],
		stride: [1000, 1000],
		..one_window()
	};
	let (window, size) = (sparse, [2000, 2000]);
	let windows = f(&[1, 1, 1, 4]);
	let chosen = TensorType::u32([1, 1, 1, 4]);
	assert_eq!(
		found(Fold { window, size }, &[&windows]),
		Some(4 + 4_000_000)
	);
	assert_eq!(
		found(Unpool { window, size }, &[&windows, &chosen]),
		Some(4 + 4_000_000)
	);
	let scatter = ScatterRows { rows: 100 };
	let indices = TensorType::u32([3]);
	assert_eq!(found(scatter, &[&f(&[3, 10]), &indices]), Some(30 + 1000));
	let unfold = Unfold {
		window: one_window(),
		fill: 0.0.into(),
	};
	assert_eq!(found(unfold, &[&f(&[2, 3, 4, 5])]), Some(2 * 3 * 6 * 9));
	assert_eq!(found(ArgMax { axis: 0 }, &[&f(&[7, 5])]), Some(35));
	assert_eq!(found(Erf, &[&f(&[7, 5])]), Some(24 * 35));
	let insert = Insert { starts: vec![0, 0] };
	assert_eq!(found(insert, &[&f(&[7, 5]), &f(&[1, 1])]), Some(35));
	let random = Random {
		stream: 0,
		shape: [7, 5].into(),
		distribution: Initialiser::Constant(0.0.into()),
	};
	let (seed, position) = (TensorType::u32([8]), TensorType::u32([2]));
	assert_eq!(found(random, &[&seed, &position]), Some(32 * 35));
}

#[test]
fn refusals_say_what_is_wrong() {
	let words = |kind: OperationKind, operand: &TensorType| refused(kind, &[operand]).to_string();
	let f = TensorType::f32([2, 3]);
	let kind = OperationKind::Permute { axes: vec![1, 1] };
	assert_eq!(
		words(kind, &f),
		"it must name each axis of its operand once"
	);
	let kind = OperationKind::Slice {
		starts: vec![0, 2],
		shape: [1, 2].into(),
	};
	assert_eq!(words(kind, &f), "F32 [2, 3] has no such part");
	let kind = OperationKind::Unfold {
		window: one_window(),
		fill: 0.0.into(),
	};
	assert_eq!(
		words(kind, &TensorType::f32([1, 1, 1, 9])),
		"no window, or more than 2^32 of them, lie on pictures of 1 × 9, or it has more than 268435456 positions"
	);
}
