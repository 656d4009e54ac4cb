package deploy_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
)

// podRules are what every pod keeps; each returns what is wrong.
var podRules = map[string]func(core.PodSpec) string{
	"no token": func(p core.PodSpec) string {
		if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
			return "gets a token for the cluster"
		}
		return ""
	},
	"not root": func(p core.PodSpec) string {
		c := p.SecurityContext
		if c == nil || c.RunAsNonRoot == nil || !*c.RunAsNonRoot || c.RunAsUser == nil || *c.RunAsUser == 0 {
			return "may run as root"
		}
		return ""
	},
	"seccomp": func(p core.PodSpec) string {
		if c := p.SecurityContext; c == nil || c.SeccompProfile == nil || c.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			return "has no seccomp profile"
		}
		return ""
	},
	"container": func(p core.PodSpec) string {
		c := p.Containers[0].SecurityContext
		if c == nil || c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation || c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem ||
			c.Capabilities == nil || !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) {
			return "can write its root file system or gain privileges"
		}
		return ""
	},
	"memory": func(p core.PodSpec) string {
		r := p.Containers[0].Resources
		if r.Limits.Memory().Value() != 256<<20 || r.Requests.Memory().IsZero() || r.Requests.Cpu().IsZero() {
			return "memory is not limited to 256 MiB, or nothing is requested"
		}
		return ""
	},
	"mounts": func(p core.PodSpec) string {
		for _, mount := range p.Containers[0].VolumeMounts {
			at := slices.IndexFunc(p.Volumes, func(v core.Volume) bool { return v.Name == mount.Name })
			if at < 0 {
				return "mounts " + mount.Name + ", which is no volume"
			}
			if mount.SubPath != "" {
				return "mounts a single file, which is never renewed"
			}
			if (p.Volumes[at].EmptyDir == nil) != mount.ReadOnly {
				return "can write what is not its own: " + mount.Name
			}
		}
		return ""
	},
	"environment": func(p core.PodSpec) string {
		for _, variable := range p.Containers[0].Env {
			if name := variable.Name; strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_SECRET") || name == "NIGHTSHIFT_REDIS" {
				return "has a secret in " + name
			}
		}
		var from []string
		for _, source := range p.Containers[0].EnvFrom {
			if source.SecretRef != nil {
				from = append(from, "secret "+source.SecretRef.Name)
			}
			if source.ConfigMapRef != nil {
				from = append(from, "settings "+source.ConfigMapRef.Name)
			}
		}
		if !slices.Equal(from, []string{"settings nightshift", "secret nightshift"}) {
			return "takes its environment from " + strings.Join(from, ", ")
		}
		return ""
	},
}

func TestKubernetesPods(t *testing.T) {
	t.Parallel()
	job := object[*batch.CronJob](t, "overlays", "example", "cronjob.yaml")
	for name, pod := range map[string]core.PodSpec{
		"worker": workers(t).Spec.Template.Spec, "submit": job.Spec.JobTemplate.Spec.Template.Spec,
	} {
		for rule, complaint := range podRules {
			if wrong := complaint(pod); wrong != "" {
				t.Errorf("%s: %s: %s", name, rule, wrong)
			}
		}
		if program := strings.TrimPrefix(pod.Containers[0].Command[0], "/"); !slices.Contains(programs(t), program) {
			t.Errorf("%s starts %s, which the image lacks", name, program)
		}
	}
}

// TestKubernetesRulesCanFail gives every rule a pod that breaks it.
func TestKubernetesRulesCanFail(t *testing.T) {
	t.Parallel()
	bad := core.PodSpec{Containers: []core.Container{{VolumeMounts: []core.VolumeMount{{Name: "lost"}}}}}
	for rule, complaint := range podRules {
		if complaint(bad) == "" {
			t.Errorf("rule %s does not see a bad pod", rule)
		}
	}
}

func TestKubernetesWorker(t *testing.T) {
	t.Parallel()
	pod := workers(t).Spec.Template.Spec
	settings := object[*core.ConfigMap](t, "base", "configmap.yaml").Data
	drain := drainTime(t, settings["NIGHTSHIFT_DRAIN"])
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace <= drain {
		t.Errorf("a worker is killed after %s, and may take %s to stop", grace, drain)
	}
	container := pod.Containers[0]
	for path, probe := range map[string][]*core.Probe{
		"/healthz": {container.StartupProbe, container.LivenessProbe}, "/readyz": {container.ReadinessProbe},
	} {
		for _, p := range probe {
			if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != path || p.HTTPGet.Port.StrVal != container.Ports[0].Name {
				t.Errorf("a probe of %s is %v", path, p)
			}
		}
	}
	keys := slices.IndexFunc(container.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == "keys" })
	if folder := filepath.Dir(settings["NIGHTSHIFT_KEYS"]); keys < 0 || container.VolumeMounts[keys].MountPath != folder {
		t.Errorf("the keys are not mounted at %s", folder)
	}
	volume := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == "keys" })
	if want := exampleSecret(t, "nightshift-keys").Name; volume < 0 || pod.Volumes[volume].Secret == nil || pod.Volumes[volume].Secret.SecretName != want {
		t.Errorf("the keys do not come from the Secret %s", want)
	}
}
