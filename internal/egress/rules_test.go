package egress

import (
	"errors"
	"net/netip"
	"testing"
)

func TestInnerAddresses(t *testing.T) {
	t.Parallel()
	for address, kind := range map[string]string{
		"8.8.8.8":                "",
		"2606:4700:4700::1111":   "",
		"64:ff9b::808:808":       "", // 8.8.8.8 by way of a translation
		"127.0.0.1":              "a loopback address",
		"127.9.9.9":              "a loopback address",
		"::1":                    "a loopback address",
		"::ffff:127.0.0.1":       "a loopback address",
		"64:ff9b::7f00:1":        "a loopback address",
		"2002:7f00:1::":          "a loopback address",
		"::127.0.0.1":            "a loopback address",
		"169.254.169.254":        "a link-local address",
		"::ffff:169.254.169.254": "a link-local address",
		"fe80::1%eth0":           "a link-local address",
		"10.1.2.3":               "a private address",
		"172.16.0.1":             "a private address",
		"172.31.255.255":         "a private address",
		"172.32.0.1":             "",
		"192.168.1.1":            "a private address",
		"100.64.0.1":             "a private address",
		"100.128.0.1":            "",
		"fd00::1":                "a private address",
		"fec0::1":                "a private address",
		"2002:a01:203::1":        "a private address",
		"224.0.0.1":              "a multicast address",
		"239.255.255.250":        "a multicast address",
		"ff02::1":                "a multicast address",
		"0.0.0.0":                "no host's address",
		"0.1.2.3":                "no host's address",
		"::":                     "no host's address",
		"255.255.255.255":        "a reserved address",
		"240.0.0.1":              "a reserved address",
	} {
		err := Rules{}.Check(netip.MustParseAddr(address))
		refused, ok := errors.AsType[*RefusedError](err)
		if got := ok && refused.Kind == kind; (kind == "") != (err == nil) || err != nil && !got {
			t.Errorf("%s: %v, want %q", address, err, kind)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules, err := Parse([]string{"CDN.studio.internal.", " store:9000 ", "10.20.0.0/16", "192.168.7.7", "[fd00::7]", "127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	for host, named := range map[[2]string]bool{
		{"cdn.studio.internal", "443"}:   true,
		{"cdn.studio.internal.", "80"}:   true,
		{"a.cdn.studio.internal", "443"}: false,
		{"Store", "9000"}:                true,
		{"store", "443"}:                 false,
		{"127.0.0.1", "8080"}:            true,
		{"127.0.0.1", "8081"}:            false,
	} {
		if rules.Name(host[0], host[1]) != named {
			t.Errorf("%s is named: %t, want %t", host, !named, named)
		}
	}
	for host, allowed := range map[string]bool{
		"10.20.3.4": true, "10.21.3.4": false, "192.168.7.7": true, "192.168.7.8": false, "fd00::7": true, "::ffff:10.20.3.4": true,
		"fd00::8": false, "localhost": false, "x.LOCALHOST.": false, "127.0.0.1": false, "somewhere": true,
	} {
		if err := rules.CheckHost(host); (err == nil) != allowed {
			t.Errorf("%s: %v, allowed is to be %t", host, err, allowed)
		}
	}
	if api := (Rules{}).WithHost("api", "8090"); !api.Name("API", "8090") || api.Name("api", "80") {
		t.Error("a host is named on another port than its own")
	}
}

func TestBadRules(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"", "https://cdn.test", "cdn.test/path", "*.cdn.test", "cdn:", "cdn:http", "cdn:0", "cdn:70000", "10.0.0.0/33", "user@cdn", "a b"} {
		if _, err := Parse([]string{rule}); err == nil {
			t.Errorf("%q is taken for a rule", rule)
		}
	}
}
