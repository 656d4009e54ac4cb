package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// newObject makes an empty one of a kind; nil where the kind is not known here.
func newObject(kind meta.TypeMeta) any {
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		return new(core.Namespace)
	case "v1 ServiceAccount":
		return new(core.ServiceAccount)
	case "v1 ConfigMap":
		return new(core.ConfigMap)
	case "v1 Secret":
		return new(core.Secret)
	case "v1 Service":
		return new(core.Service)
	case "apps/v1 Deployment":
		return new(apps.Deployment)
	case "batch/v1 CronJob":
		return new(batch.CronJob)
	case "policy/v1 PodDisruptionBudget":
		return new(policy.PodDisruptionBudget)
	case "networking.k8s.io/v1 NetworkPolicy":
		return new(networking.NetworkPolicy)
	case "keda.sh/v1alpha1 ScaledObject":
		return new(scaledObject)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return new(serviceMonitor)
	case "kustomize.config.k8s.io/v1beta1 Kustomization", "kustomize.config.k8s.io/v1alpha1 Component":
		return new(kustomization)
	}
	return nil
}

// objectsIn decodes each document strictly: an unknown field or kind fails.
func objectsIn(t *testing.T, name string, content []byte) []any {
	t.Helper()
	var objects []any
	for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		object := newObject(kind)
		if object == nil {
			t.Errorf("%s: unknown kind %s %s", name, kind.APIVersion, kind.Kind)
			continue
		}
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		objects = append(objects, object)
	}
	return objects
}

// object is the only one of its type in a file of deploy/kubernetes.
func object[T any](t *testing.T, parts ...string) T {
	t.Helper()
	name := filepath.Join(append([]string{"deploy", "kubernetes"}, parts...)...)
	var found []T
	for _, candidate := range objectsIn(t, name, readTree(t, name)) {
		if wanted, ok := candidate.(T); ok {
			found = append(found, wanted)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s holds %d objects of type %T", name, len(found), *new(T))
	}
	return found[0]
}

func workers(t *testing.T) *apps.Deployment {
	return object[*apps.Deployment](t, "base", "deployment.yaml")
}

// TestKubernetesFiles decodes every file, and follows what kustomizations refer to:
// all of it exists, and nothing lies there unused.
func TestKubernetesFiles(t *testing.T) {
	t.Parallel()
	referred := make(map[string]bool)
	files := filesUnder(t, inTree("deploy", "kubernetes"))
	for _, path := range files {
		if filepath.Base(path) == "nightly.yaml" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, decoded := range objectsIn(t, path, content) {
			k, ok := decoded.(*kustomization)
			if !ok {
				continue
			}
			for _, name := range k.refersTo() {
				target := filepath.Join(filepath.Dir(path), name)
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s: %v", path, err)
				}
				referred[target] = true
			}
		}
	}
	for _, path := range files {
		name := filepath.Base(path)
		if !referred[path] && name != "kustomization.yaml" && name != "secret.example.yaml" {
			t.Errorf("no kustomization names %s", path)
		}
	}
}
