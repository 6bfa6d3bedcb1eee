//! Matrix products, and windows over pictures.

use super::{Lowering, Meaning};
use crate::{
	kernels::{
		matmul::Product,
		stack::{Matrices, StackProduct, StackSum},
		window::{Found, Pictures},
	},
	plan::{draft::Head, Anchor, Root},
};
use repops::program::{Bits, Window};

/// An operand of a matrix product.
struct Factor {
	root: Root,
	matrices: Matrices,
	/// The stack's length.
	count: usize,
	/// Rows and columns of each matrix, as it is stored.
	stored: [usize; 2],
	transposed: bool,
}

impl Factor {
	/// Rows and columns of each matrix that is meant.
	fn size(&self) -> [usize; 2] {
		let [rows, columns] = self.stored;
		if self.transposed {
			[columns, rows]
		} else {
			[rows, columns]
		}
	}
}

impl Lowering<'_> {
	/// An operand of a matrix product.
	fn factor(&mut self, value: usize, transposed: bool) -> Factor {
		let (stack, matrix) = self
			.shape(value)
			.0
			.split_last_chunk::<2>()
			.expect("the check saw that it is a matrix; qed");
		let count = stack.iter().map(|length| *length as usize).product();
		let is_single = stack.is_empty();
		let stored = matrix.map(|length| length as usize);
		let factor = |root, matrices| Factor {
			root,
			matrices,
			count,
			stored,
			transposed,
		};
		match self.meaning(value) {
			Meaning::Transposed { root, .. } => {
				self.fix(root);
				let [rows, columns] = stored;
				Factor {
					stored: [columns, rows],
					transposed: !transposed,
					..factor(root, Matrices::Single)
				}
			}
			// A stack of whole pictures, not of their channels.
			Meaning::Unfolded { root, pictures } if self.shape(value).rank() == 3 => {
				self.fix(root);
				factor(root, Matrices::Unfolded(pictures))
			}
			_ if is_single => factor(self.root(value), Matrices::Single),
			_ => factor(self.root(value), Matrices::Each),
		}
	}

	/// A matrix product, or those of two stacks.
	pub(super) fn product(
		&mut self,
		value: usize,
		operands: [usize; 2],
		transposed: [bool; 2],
	) -> Meaning {
		let length = self.length(value);
		let right = self.factor(operands[1], transposed[1]);
		let left = match self.factor_of_left(operands[0], transposed[0], &right) {
			Some(left) => left,
			None => {
				let mut left = self.factor(operands[0], transposed[0]);
				if let Matrices::Unfolded(_) = left.matrices {
					left.root = self.root(operands[0]);
					left.matrices = Matrices::Each;
				}
				left
			}
		};
		let ([rows, inner], [_, columns]) = (left.size(), right.size());
		let count = left.count.max(right.count);
		let product = Product::new([rows, inner, columns], left.transposed, right.transposed);
		let result = self.new_root(length, Some(self.stages.len()));
		let (left_root, right_root) = (left.root, right.root);
		let is_plain = count == 1 && !matches!(right.matrices, Matrices::Unfolded(_));
		let head = match is_plain {
			true => Head::Product {
				product,
				left: left_root,
				right: right_root,
				result,
			},
			false => Head::Stack {
				stack: StackProduct {
					product,
					count,
					left: left.matrices,
					right: right.matrices,
					folded: None,
				},
				left: left_root,
				right: right_root,
				result,
			},
		};
		self.stage(head, length);
		Meaning::Root(result)
	}

	/// A stack's rows are those of one long matrix where they are all multiplied with the same one.
	fn factor_of_left(&mut self, value: usize, transposed: bool, right: &Factor) -> Option<Factor> {
		let is_stack = self.shape(value).rank() > 2;
		if transposed || !is_stack || right.matrices != Matrices::Single {
			return None;
		}
		let shape = self.shape(value);
		let stored = [shape.rows(), shape.columns()];
		Some(Factor {
			root: self.root(value),
			matrices: Matrices::Single,
			count: 1,
			stored,
			transposed,
		})
	}

	/// The sum of the products of two stacks.
	pub(super) fn sum_of_products(
		&mut self,
		value: usize,
		operands: [usize; 2],
		transposed: [bool; 2],
	) -> Meaning {
		let left = self.factor(operands[0], transposed[0]);
		let right = self.factor(operands[1], transposed[1]);
		let [mut left, mut right] = [left, right];
		for (factor, value, outer_first) in [
			(&mut left, operands[0], true),
			(&mut right, operands[1], false),
		] {
			// Only rows of an unfolded picture can be gathered, with the windows as terms.
			let by_rows = factor.transposed != outer_first;
			if matches!(factor.matrices, Matrices::Unfolded(_)) && !by_rows {
				factor.root = self.root(value);
				factor.matrices = Matrices::Each;
			}
		}
		let ([rows, inner], [_, columns]) = (left.size(), right.size());
		let stack = StackSum {
			rows,
			inner,
			columns,
			count: left.count,
			left: left.matrices,
			left_transposed: left.transposed,
			right: right.matrices,
			right_transposed: right.transposed,
		};
		let (left, right) = (left.root, right.root);
		let length = self.length(value);
		self.anchor(Anchor::StackSum { stack, left, right }, length)
	}

	/// Pictures of the shape of this value.
	pub(super) fn pictures(&self, value: usize, window: &Window, fill: f32) -> Pictures {
		let shape = self.shape(value).0[..].try_into();
		Pictures::new(shape.expect("the check saw four axes; qed"), *window, fill)
	}

	/// What windows show of pictures.
	pub(super) fn unfold(&mut self, operand: usize, window: &Window, fill: Bits) -> Meaning {
		let pictures = self.pictures(operand, window, fill.into());
		let root = self.root(operand);
		Meaning::Unfolded { root, pictures }
	}

	/// The greatest element, or its position, in windows that are not unfolded for it.
	pub(super) fn pool(&mut self, value: usize, axis: u8, found: Found) -> Option<Anchor> {
		match self.meaning(value) {
			Meaning::Unfolded { root, pictures } if self.shape(value).rank() == 4 && axis == 2 => {
				self.fix(root);
				Some(Anchor::Pool {
					operand: root,
					pictures,
					found,
				})
			}
			_ => None,
		}
	}

	/// Pictures from what stands in their windows: by the stage that multiplies, if nobody else wants the product.
	pub(super) fn fold(&mut self, value: usize, operand: usize, window: &Window) -> Meaning {
		let length = self.length(value);
		let pictures = self.pictures(value, window, 0.0);
		if let (Meaning::Root(product), true) = (self.meaning(operand), self.is_read_once(operand))
		{
			let folded = self.lengths.len();
			let maker = self.makers[product].filter(|maker| !self.fixed[*maker]);
			let draft = maker.map(|maker| (maker, &mut self.stages[maker]));
			if let Some((maker, draft)) = draft {
				if let (Head::Stack { stack, result, .. }, true) =
					(&mut draft.head, draft.items.is_empty())
				{
					let is_whole = *result == product
						&& stack.product.rows == pictures.rows()
						&& stack.product.columns == pictures.window_count();
					if is_whole {
						stack.folded = Some(pictures);
						*result = folded;
						draft.length = 0;
						return Meaning::Root(self.new_root(length, Some(maker)));
					}
				}
			}
		}
		let operand = self.root(operand);
		self.anchor(Anchor::Fold { operand, pictures }, length)
	}
}
