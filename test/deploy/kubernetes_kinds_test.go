package deploy_test

import (
	"slices"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kustomization is what ours use of a Kustomization and a Component.
type kustomization struct {
	meta.TypeMeta `json:",inline"`
	Namespace     string   `json:"namespace"`
	Resources     []string `json:"resources"`
	Components    []string `json:"components"`
	Labels        []struct {
		Pairs map[string]string `json:"pairs"`
	} `json:"labels"`
	Images []struct {
		Name    string `json:"name"`
		NewName string `json:"newName"`
		NewTag  string `json:"newTag"`
	} `json:"images"`
	Patches []struct {
		Path   string            `json:"path"`
		Patch  string            `json:"patch"`
		Target map[string]string `json:"target"`
	} `json:"patches"`
	ConfigMapGenerator []struct {
		Name  string   `json:"name"`
		Files []string `json:"files"`
	} `json:"configMapGenerator"`
}

// refersTo are the files and folders that it names.
func (k *kustomization) refersTo() []string {
	files := slices.Concat(k.Resources, k.Components)
	for _, patch := range k.Patches {
		if patch.Path != "" {
			files = append(files, patch.Path)
		}
	}
	for _, generator := range k.ConfigMapGenerator {
		files = append(files, generator.Files...)
	}
	return files
}

// scaledObject is what ours uses of KEDA's.
type scaledObject struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		ScaleTargetRef  map[string]string `json:"scaleTargetRef"`
		PollingInterval int               `json:"pollingInterval"`
		MinReplicaCount int               `json:"minReplicaCount"`
		MaxReplicaCount int               `json:"maxReplicaCount"`
		CooldownPeriod  int               `json:"cooldownPeriod"`
		Fallback        map[string]int    `json:"fallback"`
		Advanced        struct {
			HPA struct {
				Behavior struct{ ScaleUp, ScaleDown scalingRules } `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []struct {
			Type       string            `json:"type"`
			MetricType string            `json:"metricType"`
			Metadata   map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

type scalingRules struct {
	StabilizationWindowSeconds int `json:"stabilizationWindowSeconds"`
	Policies                   []struct {
		Type          string `json:"type"`
		Value         int    `json:"value"`
		PeriodSeconds int    `json:"periodSeconds"`
	} `json:"policies"`
}

// serviceMonitor is what ours uses of the Prometheus Operator's.
type serviceMonitor struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		Selector  meta.LabelSelector  `json:"selector"`
		Endpoints []map[string]string `json:"endpoints"`
	} `json:"spec"`
}
