package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const password = "correct-horse-battery-staple"

// shows are the ways in which a value may end up in front of somebody.
var shows = map[string]func(value any) (string, error){
	"String":       func(v any) (string, error) { return fmt.Sprint(v), nil },
	"%v":           func(v any) (string, error) { return fmt.Sprintf("%v", v), nil },
	"%+v":          func(v any) (string, error) { return fmt.Sprintf("%+v", v), nil },
	"%#v":          func(v any) (string, error) { return fmt.Sprintf("%#v", v), nil },
	"%s":           func(v any) (string, error) { return fmt.Sprintf("%s", v), nil },
	"%q":           func(v any) (string, error) { return fmt.Sprintf("%q", v), nil },
	"%x":           func(v any) (string, error) { return fmt.Sprintf("%x", v), nil },
	"error":        func(v any) (string, error) { return errors.Join(fmt.Errorf("connect with %v", v)).Error(), nil },
	"JSON":         marshalled,
	"slog text":    func(v any) (string, error) { return logged(v, textLog), nil },
	"slog JSON":    func(v any) (string, error) { return logged(v, jsonLog), nil },
	"slog default": func(v any) (string, error) { return slog.AnyValue(v).Resolve().String(), nil },
}

func marshalled(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}

func textLog(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }
func jsonLog(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }

func logged(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var out bytes.Buffer
	slog.New(handler(&out)).With("before", v).Info("settings read", "value", v, slog.Group("group", "inner", v))
	return out.String()
}

// TestSecretHides shows a secret in every way, alone and inside of other values.
func TestSecretHides(t *testing.T) {
	t.Parallel()
	secret := Secret(password)
	for what, value := range map[string]any{
		"alone": secret, "pointer": &secret, "settings": Settings{Key: secret, Secret: secret},
		"pointer to settings": &Settings{Secret: secret}, "list": []Secret{secret}, "map": map[string]Secret{"key": secret},
	} {
		for way, show := range shows {
			t.Run(what+" "+way, func(t *testing.T) {
				t.Parallel()
				shown, err := show(value)
				if err != nil {
					t.Fatal(err)
				}
				for _, hint := range []string{password, password[:8], fmt.Sprintf("%x", password)} {
					if strings.Contains(shown, hint) {
						t.Errorf("the secret shows: %s", shown)
					}
				}
			})
		}
	}
}

// TestSecretSaysThatItHides makes sure that a reader sees where a secret was left
// out, and that it is still there.
func TestSecretSaysThatItHides(t *testing.T) {
	t.Parallel()
	secret := Secret(password)
	for way, show := range shows {
		shown, err := show(secret)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(shown, hidden) && !strings.Contains(shown, fmt.Sprintf("%x", hidden)) {
			t.Errorf("%s shows %q, want it to hold %q", way, shown, hidden)
		}
	}
	if secret.Reveal() != password {
		t.Errorf("Reveal returns %q", secret.Reveal())
	}
}

// TestComplaintsHideSecrets gives settings that are wrong beside the secrets.
func TestComplaintsHideSecrets(t *testing.T) {
	t.Parallel()
	_, err := Load([]string{"SCENARIO_API_KEY=" + password, "SCENARIO_API_SECRET=" + password, "NIGHTSHIFT_PARALLEL=x", "NIGHTSHIFT_DRAIN=y"})
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("the complaint is %v", err)
	}
}
