//go:build !race

package stories

// slowdown is how much longer a story may take than it promises.
const slowdown = 1
