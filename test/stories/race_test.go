//go:build race

package stories

// slowdown is how much longer a story may take under the race detector.
const slowdown = 6
