package egress

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Rules are the hosts and networks that a person has named. The zero value names none.
type Rules struct {
	hosts    []host
	networks []netip.Prefix
}

// host is a host by its name; port is "" for all of its ports.
type host struct{ name, port string }

// Parse reads rules: a host name or address, with or without a port, or a network such as
// 10.0.0.0/8.
func Parse(rules []string) (Rules, error) {
	var r Rules
	for _, rule := range rules {
		if err := r.add(strings.TrimSpace(rule)); err != nil {
			return Rules{}, err
		}
	}
	return r, nil
}

func (r *Rules) add(rule string) error {
	if network, err := netip.ParsePrefix(rule); err == nil {
		r.networks = append(r.networks, network.Masked())
		return nil
	}
	if address, err := netip.ParseAddr(strings.Trim(rule, "[]")); err == nil {
		address = address.Unmap()
		r.networks = append(r.networks, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	name, port := rule, ""
	if strings.Contains(rule, ":") {
		var err error
		if name, port, err = net.SplitHostPort(rule); err != nil {
			return notARule(rule)
		}
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return notARule(rule)
		}
	}
	if name == "" || strings.ContainsAny(name, "/@*?# ") {
		return notARule(rule)
	}
	r.hosts = append(r.hosts, host{plainName(name), port})
	return nil
}

func notARule(rule string) error {
	return fmt.Errorf("%q is not a host, a host with its port, an address or a network such as 10.0.0.0/8", rule)
}

// WithHost returns the rules with one more host, on this port alone.
func (r Rules) WithHost(name, port string) Rules {
	r.hosts = append(slices.Clone(r.hosts), host{plainName(name), port})
	return r
}

// Name reports whether the host is named on this port, so that it does not matter what
// its address is.
func (r Rules) Name(name, port string) bool {
	name = plainName(name)
	return slices.ContainsFunc(r.hosts, func(h host) bool { return h.name == name && (h.port == "" || h.port == port) })
}

// Check returns a [RefusedError] for an address within this machine or its network that
// is in none of the networks that are named.
func (r Rules) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	if slices.ContainsFunc(r.networks, func(n netip.Prefix) bool { return n.Contains(address) }) {
		return nil
	}
	if kind := inner(address); kind != "" {
		return &RefusedError{Address: address, Kind: kind}
	}
	return nil
}

// CheckHost is [Rules.Check] of a host that is an address, or the name of this machine;
// what other names stand for is seen when they are resolved.
func (r Rules) CheckHost(name string) error {
	if address, err := netip.ParseAddr(name); err == nil {
		return r.Check(address)
	}
	if name = plainName(name); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return r.Check(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return nil
}

// plainName is the one form of a host's name.
func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// RefusedError says which address is not connected to, and what kind of address it is.
type RefusedError struct {
	Address netip.Addr
	Kind    string // "a private address"
}

func (e *RefusedError) Error() string { return e.Address.String() + " is " + e.Kind }
