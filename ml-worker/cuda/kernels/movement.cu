// Operations that move elements, or make them of nothing. Elements are moved as words, which keeps the bits of a NaN.

struct Filling {
	u32* result;
	u64 count;
	u64 word;
};

KERNEL(fill_words, Filling) {
	FOR_EACH(at, p.count) p.result[at] = (u32)p.word;
}

struct Copying {
	const u32* a;
	u32* result;
	u64 count;
};

KERNEL(copy_words, Copying) {
	FOR_EACH(at, p.count) p.result[at] = p.a[at];
}

#define AXES 8

// Where elements lie that are numbered along some axes, the last one running fastest.
struct Places {
	u64 axes;
	u64 lengths[AXES];
	u64 strides[AXES];
	u64 start;
};

FUNCTION u32 place_of(const Places& places, u32 at) {
	u32 place = (u32)places.start;
	for (u32 axis = (u32)places.axes; axis-- > 1;) {
		const u32 length = (u32)places.lengths[axis];
		place += at % length * (u32)places.strides[axis];
		at /= length;
	}
	return place + at * (u32)places.strides[0];
}

struct Moving {
	const u32* a;
	u32* result;
	u64 count;
	Places places;
};

// Reads at the places, writes one element after another.
KERNEL(collect_words, Moving) {
	FOR_EACH(at, p.count) p.result[at] = p.a[place_of(p.places, at)];
}

// Reads one element after another, writes at the places.
KERNEL(distribute_words, Moving) {
	FOR_EACH(at, p.count) p.result[place_of(p.places, at)] = p.a[at];
}

struct Gathering {
	const u32* table;
	const u32* indices;
	u32* result;
	u64 count;
	u64 rows;
	u64 row;
};

KERNEL(gather_rows, Gathering) {
	const u32 row = (u32)p.row;
	FOR_EACH(at, p.count) {
		const u32 index = p.indices[at / row];
		p.result[at] = index < (u32)p.rows ? p.table[index * row + at % row] : 0;
	}
}

struct OneHot {
	const u32* labels;
	float* result;
	u64 count;
	u64 classes;
};

KERNEL(one_hot_rows, OneHot) {
	const u32 classes = (u32)p.classes;
	FOR_EACH(at, p.count) p.result[at] = p.labels[at / classes] == at % classes ? 1.0f : 0.0f;
}

struct Indices {
	float* result;
	u64 count;
	u64 length;
	u64 inner;
};

KERNEL(indices_along_axis, Indices) {
	FOR_EACH(at, p.count) p.result[at] = nearest_number(at / (u32)p.inner % (u32)p.length);
}

// The sums of rows with the same index: first every row finds the next one with its index, and whether there is one
// before it; then the first row of each index walks along.
struct Links {
	const u32* indices;
	u32* next;
	u32* first;
	u64 count;
};

#define NO_ROW 0xFFFFFFFFu

KERNEL(link_rows, Links) {
	const u32 count = (u32)p.count;
	FOR_EACH(at, count) {
		const u32 index = p.indices[at];
		u32 first = 1, next = at + 1;
		for (u32 before = 0; before < at; before++) first &= p.indices[before] != index;
		while (next < count && p.indices[next] != index) next++;
		p.first[at] = first;
		p.next[at] = next < count ? next : NO_ROW;
	}
}

struct Scattering {
	const float* a;
	const u32* indices;
	const u32* next;
	const u32* first;
	float* result;
	u64 count;
	u64 rows;
	u64 row;
};

KERNEL(scatter_rows, Scattering) {
	const u32 row = (u32)p.row;
	FOR_EACH(at, p.count) {
		const u32 from = at / row, column = at % row;
		const u32 index = p.indices[from];
		if (p.first[from] == 0 || index >= (u32)p.rows) continue;
		float sum = 0.0f;
		for (u32 term = from; term != NO_ROW; term = p.next[term]) {
			sum = sum_of(sum, p.a[term * row + column]);
		}
		p.result[index * row + column] = canonical(sum);
	}
}
