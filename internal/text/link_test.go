package text

import "testing"

func TestHideSecrets(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"nothing":                      "nothing",
		"see https://host/a/b.png now": "see https://host/a/b.png now",
		"https://host/a.png?X-Amz-Signature=abc&b=c": "https://host/a.png",
		"HTTPS://host/a.png#token=abc":               "HTTPS://host/a.png",
		`"https://host/a.png?s=a\u0026b=c" is not`:   `"https://host/a.png" is not`,
		"picture ftp://user:pass@host/x: no":         "picture ftp://host/x: no",
		"ftp://user:p@ss@host:21/x":                  "ftp://host:21/x",
		"ftp://user:pa/ss@host/x":                    "ftp://host/x",
		"open /srv/ftp:/user:pass@host/x: no file":   "open /srv/ftp:/host/x: no file",
		"https://token@host":                         "https://host",
		"(https://host/x?s=1), [https://h/y?s=2].":   "(https://host/x), [https://h/y].",
		"two https://a/x?s=1 and s3://b/y?s=2":       "two https://a/x and s3://b/y",
		"https://host:8080/sizes/icon@2x.png":        "https://host:8080/sizes/icon@2x.png",
		"https://host?s=1":                           "https://host",
		"file:///srv/a@b/index.html":                 "file:///srv/a@b/index.html",
		`C:/art/a@b/x.png`:                           `C:/art/a@b/x.png`,
		"m.yaml:4:9: model takes no prompt":          "m.yaml:4:9: model takes no prompt",
		"redis://:pass@host:6379/0":                  "redis://host:6379/0",
	} {
		if got := HideSecrets(said); got != want {
			t.Errorf("%s: got %q, want %q", said, got, want)
		}
	}
}
