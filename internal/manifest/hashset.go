package manifest

import "math/bits"

// hashSet is a set of 64-bit hashes in one flat table with linear probing: 8 to
// 20 bytes an entry, where a map would need three times that.
type hashSet struct {
	table []uint64 // 0 is an empty slot; the length is a power of two
	count int
}

// add puts a hash into the set and reports whether it is new.
func (s *hashSet) add(hash uint64) bool {
	if s.count*5 >= len(s.table)*4 {
		s.grow()
	}
	slot := s.find(stored(hash))
	if s.table[slot] != 0 {
		return false
	}
	s.table[slot] = stored(hash)
	s.count++
	return true
}

// has reports whether the hash is in the set.
func (s *hashSet) has(hash uint64) bool {
	return len(s.table) > 0 && s.table[s.find(stored(hash))] != 0
}

// find returns the slot that holds the value, or the empty one where it belongs.
func (s *hashSet) find(value uint64) int {
	mask := len(s.table) - 1
	// The top bits choose the slot, so that a table twice as large keeps order.
	slot := int(value >> (64 - bits.Len(uint(mask))))
	for s.table[slot] != 0 && s.table[slot] != value {
		slot = (slot + 1) & mask
	}
	return slot
}

func (s *hashSet) grow() {
	old := s.table
	s.table = make([]uint64, max(2*len(old), 1024))
	for _, value := range old {
		if value != 0 {
			s.table[s.find(value)] = value
		}
	}
}

// stored keeps 0 free for empty slots. The two hashes that become one make a
// suspect at worst, never a collision.
func stored(hash uint64) uint64 { return max(hash, 1) }
