package egress

import "net/netip"

// inner says what kind of address it is that only this machine or its network knows; ""
// for one of the internet.
func inner(a netip.Addr) string {
	switch {
	case !a.IsValid() || a.IsUnspecified():
		return "no host's address"
	case a.IsLoopback():
		return "a loopback address"
	case a.IsLinkLocalUnicast():
		return "a link-local address"
	case a.IsMulticast():
		return "a multicast address"
	case a.IsPrivate():
		return "a private address"
	}
	for _, special := range specials {
		if special.network.Contains(a) {
			return special.kind
		}
	}
	if within, embeds := embedded(a); embeds {
		return inner(within)
	}
	return ""
}

// specials are what netip has no name for.
var specials = []struct {
	network netip.Prefix
	kind    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "no host's address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a private address"}, // within the network of a carrier or a cloud
	{netip.MustParsePrefix("198.18.0.0/15"), "a private address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a private address"},
	{netip.MustParsePrefix("fec0::/10"), "a private address"},
}

// translations are the networks of IPv6 whose addresses hold one of IPv4 behind so many
// bytes, which is where the packets go.
var translations = []struct {
	network netip.Prefix
	behind  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

func embedded(a netip.Addr) (within netip.Addr, embeds bool) {
	for _, t := range translations {
		if t.network.Contains(a) {
			bytes := a.As16()
			return netip.AddrFrom4([4]byte(bytes[t.behind : t.behind+4])), true
		}
	}
	return netip.Addr{}, false
}
