package fleet

// Every key begins with the prefix and one hash tag, so that all of them are on one
// node of a Redis Cluster.
func (f *Fleet) newsKey() string              { return f.prefix + "news" }
func (f *Fleet) workersKey() string           { return f.prefix + "workers" }
func (f *Fleet) workerKey(name string) string { return f.prefix + "worker:" + name }
func (f *Fleet) feedsKey(epoch string) string { return f.prefix + "feeds:" + epoch }
func (f *Fleet) poolsKey() string             { return f.prefix + "pools" }
func (f *Fleet) keyIDsKey() string            { return f.prefix + "key-ids" }

func (f *Fleet) workKey(batch, submission string) string {
	return f.prefix + "work:" + submission + ":" + batch
}
func (f *Fleet) leaseKey(name string) string { return f.prefix + "lease:" + name }

// heartbeatKey is "alive" for as long as a heartbeat counts, or "dead".
func (f *Fleet) heartbeatKey(owner string) string { return f.prefix + "heartbeat:" + owner }
