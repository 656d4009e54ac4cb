package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"nightshift/internal/config"
	"nightshift/internal/manifest"
)

// TestKubernetesVariables checks what a worker's environment is put together from.
func TestKubernetesVariables(t *testing.T) {
	t.Parallel()
	variables := map[string]string{}
	for _, variable := range workers(t).Spec.Template.Spec.Containers[0].Env {
		variables[variable.Name] = variable.Value
	}
	for _, file := range []string{"base/configmap.yaml", "overlays/example/configmap.yaml"} {
		maps.Copy(variables, object[*core.ConfigMap](t, file).Data)
	}
	maps.Copy(variables, exampleSecret(t, "nightshift").StringData)
	checkVariables(t, variables)
}

func exampleSecret(t *testing.T, name string) *core.Secret {
	t.Helper()
	for _, candidate := range objectsIn(t, "secret.example.yaml", readTree(t, "deploy", "kubernetes", "base", "secret.example.yaml")) {
		if secret := candidate.(*core.Secret); secret.Name == name {
			return secret
		}
	}
	t.Fatalf("no secret %s", name)
	return nil
}

// TestKubernetesKeys reads the example of a keys file with what stands beside it.
func TestKubernetesKeys(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, content := range exampleSecret(t, "nightshift-keys").StringData {
		if content == "" {
			content = "of-" + name
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := config.ReadKeys(filepath.Join(folder, "keys.yaml"), nil); err != nil {
		t.Error(err)
	}
}

// TestKubernetesSelectors holds together what finds the workers.
func TestKubernetesSelectors(t *testing.T) {
	t.Parallel()
	worker := workers(t)
	port := worker.Spec.Template.Spec.Containers[0].Ports[0]
	service := object[*core.Service](t, "base", "service.yaml")
	monitor := object[*serviceMonitor](t, "components", "monitoring", "servicemonitor.yaml")
	budget := object[*policy.PodDisruptionBudget](t, "base", "poddisruptionbudget.yaml")
	network := object[*networking.NetworkPolicy](t, "base", "networkpolicy.yaml")
	for what, selector := range map[string]*meta.LabelSelector{
		"deployment": worker.Spec.Selector, "service": {MatchLabels: service.Spec.Selector}, "budget": budget.Spec.Selector, "network": &network.Spec.PodSelector,
	} {
		checkSelects(t, what, selector, worker.Spec.Template.Labels)
	}
	checkSelects(t, "monitor", &monitor.Spec.Selector, service.Labels)
	job := object[*batch.CronJob](t, "overlays", "example", "cronjob.yaml").Spec.JobTemplate.Spec.Template
	checkSelects(t, "network", &network.Spec.PodSelector, job.Labels)
	for what, account := range map[string]string{"worker": worker.Spec.Template.Spec.ServiceAccountName, "submit": job.Spec.ServiceAccountName} {
		if want := object[*core.ServiceAccount](t, "base", "serviceaccount.yaml").Name; account != want {
			t.Errorf("%s runs as %q, want %q", what, account, want)
		}
	}
	if s := service.Spec.Ports[0]; s.TargetPort.StrVal != port.Name || s.Port != port.ContainerPort || monitor.Spec.Endpoints[0]["port"] != s.Name {
		t.Errorf("service, monitor and worker do not agree about the port: %v", s)
	}
	if allowed := network.Spec.Ingress[0].Ports[0].Port.IntVal; allowed != port.ContainerPort {
		t.Errorf("the network lets port %d in, a worker listens on %d", allowed, port.ContainerPort)
	}
}

func checkSelects(t *testing.T, what string, selector *meta.LabelSelector, have map[string]string) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	if s.Empty() || !s.Matches(labels.Set(have)) {
		t.Errorf("%s selects %s and not %v", what, s, have)
	}
}

func TestKubernetesScaling(t *testing.T) {
	t.Parallel()
	spec := object[*scaledObject](t, "components", "keda", "scaledobject.yaml").Spec
	if spec.ScaleTargetRef["name"] != workers(t).Name {
		t.Errorf("scales %v", spec.ScaleTargetRef)
	}
	if spec.MinReplicaCount < 1 || spec.MaxReplicaCount <= spec.MinReplicaCount {
		t.Errorf("from %d to %d workers: with none, nothing paid is collected", spec.MinReplicaCount, spec.MaxReplicaCount)
	}
	drain := drainTime(t, object[*core.ConfigMap](t, "base", "configmap.yaml").Data["NIGHTSHIFT_DRAIN"])
	down := spec.Advanced.HPA.Behavior.ScaleDown
	for what, seconds := range map[string]int{
		"cooldown": spec.CooldownPeriod, "window": down.StabilizationWindowSeconds, "pace": down.Policies[0].PeriodSeconds,
	} {
		if got := time.Duration(seconds) * time.Second; got <= drain {
			t.Errorf("the %s of scaling down is %s, and a worker drains for %s", what, got, drain)
		}
	}
	if query := spec.Triggers[0].Metadata["query"]; query != "sum(max by (lane) (nightshift_lane_useful_jobs))" {
		t.Errorf("scales by %s: workers export the same number, so it is no sum over them", query)
	}
}

// TestKubernetesManifest reads the manifest of the nightly batch to its end.
func TestKubernetesManifest(t *testing.T) {
	t.Parallel()
	m, err := manifest.Open(inTree("deploy", "kubernetes", "overlays", "example", "nightly.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, err := range m.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	if rows != 8 {
		t.Errorf("%d rows, want 8", rows)
	}
	command := object[*batch.CronJob](t, "overlays", "example", "cronjob.yaml").Spec.JobTemplate.Spec.Template.Spec.Containers[0].Command
	if !slices.Contains(command, "/manifests/nightly.yaml") {
		t.Errorf("it is not what %q submits", command)
	}
}

// TestKubernetesOverlay builds the example with kubectl, where it is installed.
func TestKubernetesOverlay(t *testing.T) {
	t.Parallel()
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip(err)
	}
	built, err := exec.CommandContext(t.Context(), kubectl, "kustomize", inTree("deploy", "kubernetes", "overlays", "example")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, built := range objectsIn(t, "the example as built", built) {
		switch o := built.(type) {
		case *apps.Deployment:
			if o.Spec.Replicas != nil {
				t.Error("the number of workers is written down though KEDA decides it")
			}
			if image := o.Spec.Template.Spec.Containers[0].Image; image == workers(t).Spec.Template.Spec.Containers[0].Image {
				t.Errorf("the image is still %s", image)
			}
			kinds = append(kinds, o.Kind+" "+o.Namespace)
		case *core.ConfigMap:
			if bucket, ok := o.Data["NIGHTSHIFT_BUCKET"]; ok && bucket == object[*core.ConfigMap](t, "base", "configmap.yaml").Data["NIGHTSHIFT_BUCKET"] {
				t.Errorf("the bucket is still %s", bucket)
			}
		case *batch.CronJob:
			volumes := o.Spec.JobTemplate.Spec.Template.Spec.Volumes
			if name := volumes[1].ConfigMap.Name; !strings.HasPrefix(name, "nightshift-manifests-") {
				t.Errorf("the manifests are mounted from %s", name)
			}
			kinds = append(kinds, o.Kind+" "+o.Namespace)
		}
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"CronJob nightshift", "Deployment nightshift"}) {
		t.Errorf("built %q", kinds)
	}
}
