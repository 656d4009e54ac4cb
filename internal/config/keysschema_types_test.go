package config

import "github.com/invopop/jsonschema"

// The types below describe a keys file for editors; the JSON Schema in deploy/ is
// made from them. A test holds their fields against those that the reader knows.

type keysSchema struct {
	Version  int                          `json:"version" jsonschema:"enum=1" jsonschema_description:"Version of the format: 1."`
	Pools    map[string][]apiKeySchema    `json:"pools" jsonschema:"minProperties=1" jsonschema_description:"Lists of API keys by the name that a manifest gives as pool; default is that of manifests that name none."`
	Projects map[string]limitsSchema      `json:"projects,omitempty" jsonschema_description:"What all keys of a project may use together, by the project's id."`
	Teams    map[string]limitsSchema      `json:"teams,omitempty" jsonschema_description:"What all keys of a team may use together, by the team's id."`
	Batches  map[string]batchLimitsSchema `json:"batches,omitempty" jsonschema_description:"What all keys that work on a batch may spend together, by the manifest's name."`
}

// JSONSchemaExtend bounds what stands in maps, for which there are no tags.
func (keysSchema) JSONSchemaExtend(schema *jsonschema.Schema) {
	one, name := uint64(1), &jsonschema.Schema{Pattern: "^[A-Za-z0-9._-]{1,80}$"}
	for pair := schema.Properties.Oldest(); pair != nil; pair = pair.Next() {
		if pair.Value.Type == "object" {
			pair.Value.PropertyNames = name
		}
	}
	batches, _ := schema.Properties.Get("batches")
	batches.PropertyNames = &jsonschema.Schema{Pattern: `^[\p{L}\p{N}\p{M}._-]{1,80}$`}
	pools, _ := schema.Properties.Get("pools")
	pools.MinProperties, pools.AdditionalProperties.MinItems = &one, &one
}

type apiKeySchema struct {
	ID       string       `json:"id" jsonschema:"pattern=^[A-Za-z0-9._-]{1\\,60}$" jsonschema_description:"Name of the key in logs and tables, unique in the file; never a secret."`
	Mode     string       `json:"mode" jsonschema:"enum=test,enum=live" jsonschema_description:"Batches of this mode may use the key."`
	Provider string       `json:"provider,omitempty" jsonschema:"enum=scenario,default=scenario" jsonschema_description:"The image API that the key is for."`
	URL      string       `json:"url,omitempty" jsonschema:"pattern=^https?://[^@?#]+$" jsonschema_description:"Address of the API with its version. Of live keys it may be left out."`
	Auth     string       `json:"auth,omitempty" jsonschema:"enum=basic,enum=basic-key-only,default=basic" jsonschema_description:"basic: key and secret. basic-key-only: the key with an empty password."`
	Key      secretSchema `json:"key" jsonschema_description:"Where the API key comes from."`
	Secret   secretSchema `json:"secret,omitzero" jsonschema_description:"Where the secret of the key comes from; not with basic-key-only."`
	Project  string       `json:"project,omitempty" jsonschema:"pattern=^[A-Za-z0-9._-]{1\\,80}$" jsonschema_description:"Id of the project to work in, by which requests are counted."`
	Team     string       `json:"team,omitempty" jsonschema:"pattern=^[A-Za-z0-9._-]{1\\,80}$" jsonschema_description:"Id of the team, by which running inferences are counted."`
	Limits   limitsSchema `json:"limits,omitzero" jsonschema_description:"What this key may use."`
}

// JSONSchemaExtend says which fields need each other.
func (apiKeySchema) JSONSchemaExtend(schema *jsonschema.Schema) {
	with := func(name string, value any) *jsonschema.Schema {
		properties := jsonschema.NewProperties()
		properties.Set(name, &jsonschema.Schema{Const: value})
		return &jsonschema.Schema{Properties: properties, Required: []string{name}}
	}
	secret := &jsonschema.Schema{Required: []string{"secret"}}
	schema.AllOf = []*jsonschema.Schema{
		{If: with("mode", "test"), Then: &jsonschema.Schema{Required: []string{"url"}}},
		{If: with("auth", "basic-key-only"), Then: &jsonschema.Schema{Not: secret}, Else: secret},
	}
}

type secretSchema struct {
	Env  string `json:"env,omitempty" jsonschema:"minLength=1" jsonschema_description:"Name of the environment variable that holds it."`
	File string `json:"file,omitempty" jsonschema:"minLength=1" jsonschema_description:"File that holds it; a relative path starts at the folder of the keys file."`
}

// JSONSchemaExtend asks for exactly one of the fields.
func (secretSchema) JSONSchemaExtend(schema *jsonschema.Schema) {
	one := uint64(1)
	schema.MinProperties, schema.MaxProperties = &one, &one
}

type limitsSchema struct {
	RequestsPerMinute int `json:"requests_per_minute,omitempty" jsonschema:"minimum=10,maximum=1000000" jsonschema_description:"Requests in any minute."`
	Parallel          int `json:"parallel,omitempty" jsonschema:"minimum=0,maximum=1000000" jsonschema_description:"Inferences that run at the same time."`
	batchLimitsSchema
}

type batchLimitsSchema struct {
	CU       capsSchema `json:"cu,omitzero" jsonschema_description:"Compute units that may be spent."`
	Timezone string     `json:"timezone,omitempty" jsonschema:"default=UTC" jsonschema_description:"IANA name such as Europe/Paris, of the day and the month."`
	ResetDay int        `json:"reset_day,omitempty" jsonschema:"minimum=1,maximum=31,default=1" jsonschema_description:"First day of the month's period; in shorter months the last day."`
}

type capsSchema struct {
	Total float64 `json:"total,omitempty" jsonschema:"minimum=0" jsonschema_description:"Ever."`
	Day   float64 `json:"day,omitempty" jsonschema:"minimum=0" jsonschema_description:"In a calendar day of the timezone."`
	Month float64 `json:"month,omitempty" jsonschema:"minimum=0" jsonschema_description:"From one reset_day to the next."`
}
