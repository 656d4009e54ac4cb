// Package rediskeys makes hash tags of names, and finds and deletes Redis keys by
// how they begin.
package rediskeys

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// atOnce is how many keys one command looks at and how many are handled at once.
const atOnce = 500

// Delete deletes all keys that begin with prefix, which is taken as it is. It
// returns the errors of Redis.
func Delete(ctx context.Context, client redis.UniversalClient, prefix string) error {
	return Each(ctx, client, prefix, func(keys []string) error {
		if _, ok := client.(*redis.ClusterClient); !ok {
			return client.Unlink(ctx, keys...).Err()
		}
		// In a cluster one command takes keys of one slot only.
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Unlink(ctx, key)
			}
			return nil
		})
		return err
	})
}

// Each calls do with the keys that begin with prefix, which is taken as it is, some
// at a time and on all nodes of a cluster. A key may come twice. Each ends with the
// first error, of Redis or of do.
func Each(ctx context.Context, client redis.UniversalClient, prefix string, do func(keys []string) error) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return each(ctx, client, prefix, do)
	}
	var one sync.Mutex // the nodes are looked at side by side
	return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		return each(ctx, node, prefix, func(keys []string) error {
			one.Lock()
			defer one.Unlock()
			return do(keys)
		})
	})
}

func each(ctx context.Context, node redis.UniversalClient, prefix string, do func(keys []string) error) error {
	found := node.Scan(ctx, 0, escape(prefix)+"*", atOnce).Iterator()
	some := make([]string, 0, atOnce)
	for found.Next(ctx) {
		if some = append(some, found.Val()); len(some) < atOnce {
			continue
		}
		if err := do(some); err != nil {
			return err
		}
		some = some[:0]
	}
	if err := found.Err(); err != nil || len(some) == 0 {
		return err
	}
	return do(some)
}

// escape takes the meaning from the characters that a pattern gives one.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}
