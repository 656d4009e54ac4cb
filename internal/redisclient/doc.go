// Package redisclient connects to a Redis server, or makes a Redis within this process, and
// says in words what is wrong with one.
package redisclient
