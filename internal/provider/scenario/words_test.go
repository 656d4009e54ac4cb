package scenario

import "testing"

// TestCleanerHidesWhatOpensALink: links come with and without a scheme, a host or
// a path, and within other addresses.
func TestCleanerHidesWhatOpensALink(t *testing.T) {
	t.Parallel()
	clean := cleaner(testKey, testSecret)
	for words, want := range map[string]string{
		"see https://cdn.test/assets/a.png?Policy=p&Signature=s":         "see https://cdn.test/assets/a.png?[hidden]",
		"see https://cdn.test/a?token":                                   "see https://cdn.test/a?[hidden]",
		"see cdn.test/assets/a?Policy=p&Signature=s.":                    "see cdn.test/assets/a?[hidden]",
		"see //cdn.test/a?p=100&Signature=s":                             "see //cdn.test/a?[hidden]",
		"(/assets/a?Signature=s)":                                        "(/assets/a?[hidden]",
		`{"url": "/assets/a?Signature=s", "n": 1}`:                       `{"url": "/assets/a?[hidden]", "n": 1}`,
		"?token=s was refused":                                           "?[hidden] was refused",
		"Signature=s&Key-Pair-Id=k do not match":                         "Signature=[hidden]&Key-Pair-Id=[hidden] do not match",
		"policy=p":                                                       "policy=[hidden]",
		"X-Amz-Signature=s":                                              "X-Amz-Signature=[hidden]",
		"to=https%3A%2F%2Fcdn.test%2Fa%3FPolicy%3Dp%26Signature%3Ds now": "to=https%3A%2F%2Fcdn.test%2Fa%3FPolicy%3D[hidden] now",
		"https://user:pass@cdn.test/a":                                   "https://[hidden]@cdn.test/a",
		"//user:pa?ss@cdn.test/a":                                        "//[hidden]@cdn.test/a",
		"https://user:p@ss@cdn.test/a?Signature=s":                       "https://[hidden]@cdn.test/a?[hidden]",
		"Is width = 512 right? It must be >= 672":                        "Is width = 512 right? It must be >= 672",
		"against the content policy, see https://docs.test/policy#a":     "against the content policy, see https://docs.test/policy#a",
		"ask me@studio.test":                                             "ask me@studio.test",
		"why?":                                                           "why?",
	} {
		if got := clean(words); got != want {
			t.Errorf("%s\n is shown as %s\n       want %s", words, got, want)
		}
	}
}
