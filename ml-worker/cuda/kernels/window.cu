// Windows over pictures, see `repops::program::Window`.

struct Windows {
	const float* a;
	// Of an unpooling: the position of each window's number.
	const u32* chosen;
	float* result;
	u64 count;
	// Downwards and to the right.
	u64 kernel[2];
	u64 stride[2];
	u64 padding[2];
	u64 dilation[2];
	u64 size[2];
	u64 windows[2];
	u64 fill;
};

// What a position of a window shows along an axis: less than 0 or beyond the length where that is padding. `Wide` is
// an integer with a sign that holds a padded picture's length twice.
template <typename Wide>
FUNCTION Wide shown(const Windows& p, u32 axis, u32 window, u32 position) {
	return (Wide)window * (Wide)p.stride[axis] + (Wide)position * (Wide)p.dilation[axis] - (Wide)p.padding[axis];
}

// The window at whose position a place along an axis is shown; -1 if no window shows it there.
template <typename Wide>
FUNCTION Wide showing(const Windows& p, u32 axis, u32 place, u32 position) {
	const Wide stride = (Wide)p.stride[axis];
	const Wide from = (Wide)place + (Wide)p.padding[axis] - (Wide)position * (Wide)p.dilation[axis];
	if (from < 0) return -1;
	const Wide window = from / stride;
	return window * stride == from && window < (Wide)p.windows[axis] ? window : -1;
}

template <typename Wide>
FUNCTION void unfold(const Windows& p) {
	const u32 down = (u32)p.windows[0], right = (u32)p.windows[1];
	const u32 height = (u32)p.size[0], width = (u32)p.size[1];
	FOR_EACH(at, p.count) {
		u32 rest = at;
		const u32 x = rest % right;
		rest /= right;
		const u32 y = rest % down;
		rest /= down;
		const u32 j = rest % (u32)p.kernel[1];
		rest /= (u32)p.kernel[1];
		const u32 i = rest % (u32)p.kernel[0];
		const u32 plane = rest / (u32)p.kernel[0];
		const Wide row = shown<Wide>(p, 0, y, i), column = shown<Wide>(p, 1, x, j);
		const bool inside = row >= 0 && row < (Wide)height && column >= 0 && column < (Wide)width;
		const u32* words = (const u32*)p.a;
		const u32 place = inside ? (plane * height + (u32)row) * width + (u32)column : 0;
		((u32*)p.result)[at] = inside ? words[place] : (u32)p.fill;
	}
}

// A fold if every position of a window has a number, an unpooling if only the chosen one has.
template <typename Wide, bool CHOSEN>
FUNCTION void fold(const Windows& p) {
	const u32 height = (u32)p.size[0], width = (u32)p.size[1];
	const u32 down = (u32)p.kernel[0], right = (u32)p.kernel[1];
	const u32 windows = (u32)p.windows[0] * (u32)p.windows[1];
	FOR_EACH(at, p.count) {
		const u32 x = at % width, y = at / width % height, plane = at / width / height;
		float sum = 0.0f;
		for (u32 i = 0; i < down; i++) {
			const Wide row = showing<Wide>(p, 0, y, i);
			if (row < 0) continue;
			for (u32 j = 0; j < right; j++) {
				const Wide column = showing<Wide>(p, 1, x, j);
				if (column < 0) continue;
				const u32 window = (u32)row * (u32)p.windows[1] + (u32)column;
				const u32 position = i * right + j;
				if (CHOSEN) {
					const u32 place = plane * windows + window;
					if (p.chosen[place] == position) sum = sum_of(sum, p.a[place]);
				} else {
					sum = sum_of(sum, p.a[(plane * down * right + position) * windows + window]);
				}
			}
		}
		p.result[at] = canonical(sum);
	}
}

KERNEL(unfold_small, Windows) { unfold<i32>(p); }
KERNEL(unfold_wide, Windows) { unfold<i64>(p); }
KERNEL(fold_small, Windows) { fold<i32, false>(p); }
KERNEL(fold_wide, Windows) { fold<i64, false>(p); }
KERNEL(unpool_small, Windows) { fold<i32, true>(p); }
KERNEL(unpool_wide, Windows) { fold<i64, true>(p); }
