package manifest

import (
	"iter"
	"math/bits"
)

// shuffled yields the numbers below n in an order that depends on the key alone,
// without holding them: a permutation of the next power of four, by a Feistel
// network, of which what is not below n is left out. A draw of more is a draw of
// fewer with some added.
func shuffled(n int, key uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		half := uint((bits.Len64(uint64(max(n, 2)-1)) + 1) / 2)
		for i := range uint64(1) << (2 * half) {
			if at := permute(i, half, key); at < uint64(n) && !yield(int(at)) {
				return
			}
		}
	}
}

// rounds are twice as many as a Feistel network needs to look random.
const rounds = 8

// permute maps a number of 2*half bits to another one of as many, each to its own.
func permute(i uint64, half uint, key uint64) uint64 {
	mask := uint64(1)<<half - 1
	left, right := i>>half, i&mask
	for round := range uint64(rounds) {
		left, right = right, left^(mix(right^mix(key+round))&mask)
	}
	return left<<half | right
}

// mix is the output function of splitmix64, a well spread 64-bit hash.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
