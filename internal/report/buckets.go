package report

import "iter"

// buckets hold values by the first byte of a hash, so that equal hashes come
// together and a sort needs no more room than a 256th of them.
type buckets[T any] [256]chunks[T]

func (b *buckets[T]) add(hash uint64, value T) { b[hash>>56].add(value) }

// take hands out what each bucket holds, in the order in which it came, and forgets
// it. The slice is valid until the next one.
func (b *buckets[T]) take(yield func([]T) bool) {
	var values []T
	for i := range b {
		values = values[:0]
		for _, chunk := range b[i] {
			values = append(values, chunk...)
		}
		b[i] = nil
		if !yield(values) {
			return
		}
	}
}

// groups cuts a list where the next value is not the same.
func groups[T any](list []T, same func(a, b T) bool) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for start := 0; start < len(list); {
			end := start + 1
			for end < len(list) && same(list[start], list[end]) {
				end++
			}
			if !yield(list[start:end]) {
				return
			}
			start = end
		}
	}
}

// chunks is a list that grows without being copied.
type chunks[T any] [][]T

const chunkLength = 256

func (c *chunks[T]) add(value T) {
	if last := len(*c) - 1; last < 0 || len((*c)[last]) == chunkLength {
		*c = append(*c, make([]T, 0, chunkLength))
	}
	last := &(*c)[len(*c)-1]
	*last = append(*last, value)
}

func (c chunks[T]) len() int {
	if len(c) == 0 {
		return 0
	}
	return (len(c)-1)*chunkLength + len(c[len(c)-1])
}

func (c chunks[T]) at(i int) *T { return &c[i/chunkLength][i%chunkLength] }

// all hands out the values in their order.
func (c chunks[T]) all(yield func(*T) bool) {
	for _, chunk := range c {
		for i := range chunk {
			if !yield(&chunk[i]) {
				return
			}
		}
	}
}
