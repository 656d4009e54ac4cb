package manifest

import "github.com/invopop/jsonschema"

// The types below describe a YAML or JSON manifest for editors; the JSON Schema
// in jobs/ is made from them. A test holds their fields against those that the
// reader knows.

type manifestFile struct {
	Version    int                   `json:"version" jsonschema:"enum=1" jsonschema_description:"Version of the format: 1."`
	Name       string                `json:"name" jsonschema:"minLength=1,maxLength=80,pattern=^[\\p{L}\\p{N}][\\p{L}\\p{N}\\p{M}._-]*$" jsonschema_description:"Name of the batch and of the folder of its results. Letters and digits of any script, - _ and . only; not test for a live batch."`
	Mode       string                `json:"mode,omitempty" jsonschema:"enum=test,enum=live,default=test" jsonschema_description:"What kind of API keys the batch may use. A folder holds results of one kind."`
	Model      string                `json:"model,omitempty" jsonschema_description:"Id of the model for rows that name no other, such as model_bfl-flux-1-dev."`
	Prompt     string                `json:"prompt,omitempty" jsonschema_description:"Prompt for items that have none. {name} is replaced by a variable or axis; {{ and }} are braces."`
	Defaults   defaultsFields        `json:"defaults,omitzero" jsonschema_description:"What every item has unless it says otherwise. Further fields are variables."`
	Items      []itemFile            `json:"items,omitempty" jsonschema:"minItems=1" jsonschema_description:"The items. Each makes one row for every combination of the axes."`
	ItemsFrom  string                `json:"items_from,omitempty" jsonschema:"pattern=\\.([cC][sS][vV]|[tT][sS][vV]|[jJ][sS][oO][nN][lL]|[nN][dD][jJ][sS][oO][nN])$" jsonschema_description:"CSV or TSV file whose headers are variables or a JSONL file with an item a line; the path starts at the folder of the manifest. It is read as a stream and may have millions of rows."`
	Styles     map[string]styleBlock `json:"styles,omitempty" jsonschema_description:"Named blocks. The axis or variable style picks one; {style} is its text in a prompt and its name in an output."`
	Axes       axesFile              `json:"axes,omitzero" jsonschema_description:"Lists of values that multiply the items."`
	Include    []combinationFile     `json:"include,omitempty" jsonschema_description:"Combinations made in addition; each gives a value for every axis. With id only for that item."`
	Exclude    []combinationFile     `json:"exclude,omitempty" jsonschema_description:"Combinations left out: those that have all of the given values. With id only for that item."`
	References map[string]string     `json:"references,omitempty" jsonschema_description:"Names for pictures that are given to models: a file, whose path starts at the folder of the manifest, or the id of an asset."`
	Steps      map[string]stepFile   `json:"steps,omitempty" jsonschema_description:"What is made of the images of each row, in this order. A step takes the first image of its row, or that of a step before."`
	Samples    int                   `json:"samples,omitempty" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Images per row, made in as few requests as the model allows."`
	Output     string                `json:"output,omitempty" jsonschema_description:"Path of each image in the folder of the batch. Variables and axes by {name}, and {id}, {n} for the number of the image in its row, {seed}, {hash8} and {ext}. Without it the row's id and, for several samples, the number."`
	Budget     budgetFile            `json:"budget,omitzero" jsonschema_description:"What the batch may spend."`
	OnBudget   string                `json:"on_budget,omitempty" jsonschema:"enum=wait,enum=fail,default=wait" jsonschema_description:"When a cap of CU is full: wait for its next day or month, or end the run."`
	Pool       string                `json:"pool,omitempty" jsonschema_description:"Pool of API keys to use."`
	Priority   string                `json:"priority,omitempty" jsonschema:"enum=urgent,enum=normal,enum=overnight,default=normal" jsonschema_description:"How the batch ranks among others of its pool."`
	Window     windowFile            `json:"window,omitzero" jsonschema_description:"Time of day in which jobs may start; it may pass midnight."`
}

// layerFile are the fields of defaults and items alike.
type layerFile struct {
	Model      string         `json:"model,omitempty" jsonschema_description:"Id of the model."`
	Prompt     string         `json:"prompt,omitempty" jsonschema_description:"Prompt, with variables as {name}."`
	Output     string         `json:"output,omitempty" jsonschema_description:"Path of each image in the folder of the batch."`
	Samples    int            `json:"samples,omitempty" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Images of the row."`
	Seed       int64          `json:"seed,omitempty" jsonschema:"minimum=0" jsonschema_description:"Seed of the row; short for parameters.seed."`
	Parameters map[string]any `json:"parameters,omitempty" jsonschema_description:"Inputs of the model by their names, such as width, height, numInferenceSteps, guidance. An axis wins over an item, an item over a style, a style over the defaults."`
	Images     imagesFile     `json:"images,omitzero" jsonschema_description:"Inputs of the model that take pictures, by their names: a reference, a file, the id of an asset, or {needs}; a list where the input takes several."`
}

// imagesFile are inputs of a model with their pictures.
type imagesFile struct{}

func (imagesFile) JSONSchema() *jsonschema.Schema {
	picture := &jsonschema.Schema{Type: "string"}
	return &jsonschema.Schema{
		Type:                 "object",
		AdditionalProperties: &jsonschema.Schema{OneOf: []*jsonschema.Schema{picture, {Type: "array", Items: picture}}},
	}
}

// stepFile are the fields of a step.
type stepFile struct {
	Model      string         `json:"model" jsonschema_description:"Id of the model."`
	Prompt     string         `json:"prompt,omitempty" jsonschema_description:"Prompt, with variables as {name}."`
	Output     string         `json:"output,omitempty" jsonschema_description:"Path of the image in the folder of the batch; {n} is the number of the image that it is made of. Without it the row's id and the name of the step."`
	Seed       int64          `json:"seed,omitempty" jsonschema:"minimum=0" jsonschema_description:"Seed of the step; short for parameters.seed."`
	Parameters map[string]any `json:"parameters,omitempty" jsonschema_description:"Inputs of the model by their names."`
	Images     imagesFile     `json:"images" jsonschema_description:"Inputs of the model that take pictures: {previous} is the image of the step before, {first} that of the row, {cutout} that of the step cutout."`
	When       string         `json:"when,omitempty" jsonschema:"enum=picked" jsonschema_description:"picked: only for images that a person has picked."`
}

type defaultsFields struct{ layerFile }

// JSONSchemaExtend lets further fields be variables.
func (defaultsFields) JSONSchemaExtend(schema *jsonschema.Schema) {
	schema.AdditionalProperties = scalarSchema()
}

type itemFile struct {
	ID    scalarFile `json:"id,omitzero" jsonschema_description:"Name of the item in results and file names. Without it one is made from the first variable and the content."`
	Needs needsFile  `json:"needs,omitzero" jsonschema_description:"Items of this batch whose images the item takes; {needs} stands for them in images."`
	layerFile
}

// needsFile is the id of an item, or a list.
type needsFile struct{}

func (needsFile) JSONSchema() *jsonschema.Schema {
	id := &jsonschema.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{id, {Type: "array", Items: id}}}
}

// JSONSchemaExtend lets further fields be variables.
func (itemFile) JSONSchemaExtend(schema *jsonschema.Schema) {
	schema.AdditionalProperties = scalarSchema()
}

func scalarSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Extras:      map[string]any{"type": []string{"string", "number", "boolean", "null"}},
		Description: "A variable, used as {name} in prompts, text parameters and outputs.",
	}
}

// scalarFile is text that may be written without quotes.
type scalarFile struct{}

func (scalarFile) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
}

type styleBlock struct{}

// styleObject is a style with more than a text.
type styleObject struct {
	Text       string         `json:"text,omitempty" jsonschema_description:"What {style} stands for in prompts."`
	Parameters map[string]any `json:"parameters,omitempty" jsonschema_description:"Inputs of the model that go with the style."`
}

func (styleBlock) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Description: "The text of the style, or its text and parameters.",
		OneOf:       []*jsonschema.Schema{{Type: "string"}, reflectSchema(styleObject{})},
	}
}

type axesFile struct {
	Product map[string]axisFile `json:"product,omitempty" jsonschema_description:"Axes of which every combination is made. An axis style picks a style, seed and model set those, parameters.guidance sets that parameter; any other is a variable."`
	Zip     map[string]axisFile `json:"zip,omitempty" jsonschema_description:"Axes whose lists go side by side and are equally long."`
	Sample  sampleFile          `json:"sample,omitzero" jsonschema_description:"Draw some of the combinations for each item instead of making all."`
}

type sampleFile struct {
	N    int   `json:"n" jsonschema:"minimum=1" jsonschema_description:"How many combinations each item gets. More are the same ones and further ones."`
	Seed int64 `json:"seed,omitempty" jsonschema:"minimum=0,default=1" jsonschema_description:"Decides which are drawn; 1 where it is not given."`
}

type axisFile struct{}

func (axisFile) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Description: "A list of values, or a range of whole numbers such as 1..10.",
		OneOf: []*jsonschema.Schema{
			{Type: "array", Extras: map[string]any{"minItems": 1}},
			{Type: "string", Pattern: `^[0-9]+\.\.[0-9]+$`},
		},
	}
}

type combinationFile struct{}

func (combinationFile) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type:          "object",
		MinProperties: new(uint64(1)),
		Description:   "Values of axes by their names, and the id of an item. In exclude a list stands for any of its values.",
	}
}

type budgetFile struct {
	CU    float64 `json:"cu,omitempty" jsonschema:"exclusiveMinimum=0" jsonschema_description:"Compute units that the batch may spend in all."`
	Drift float64 `json:"drift,omitempty" jsonschema:"minimum=0,maximum=10,default=0.1" jsonschema_description:"By which share a bill may be above its quote before the batch is stopped: 0.1 is 10 percent. At most three decimals."`
}

// JSONSchemaExtend wants one of the fields.
func (budgetFile) JSONSchemaExtend(schema *jsonschema.Schema) {
	schema.MinProperties = new(uint64(1))
}

type windowFile struct{}

// windowObject is a window with its time zone.
type windowObject struct {
	Hours    string `json:"hours" jsonschema:"pattern=^[0-9]{1\\,2}:[0-9]{2}-[0-9]{1\\,2}:[0-9]{2}$" jsonschema_description:"From and to, such as 22:00-06:00."`
	Timezone string `json:"timezone,omitempty" jsonschema:"default=UTC" jsonschema_description:"IANA name such as Europe/Paris; UTC where it is not given."`
}

func (windowFile) JSONSchema() *jsonschema.Schema {
	object := reflectSchema(windowObject{})
	hours, _ := object.Properties.Get("hours")
	return &jsonschema.Schema{
		Description: "Hours such as 22:00-06:00 in UTC, or hours and timezone.",
		OneOf:       []*jsonschema.Schema{{Type: "string", Pattern: hours.Pattern}, object},
	}
}

// reflectSchema makes the schema of a type without references to others.
func reflectSchema(of any) *jsonschema.Schema {
	reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true}
	schema := reflector.Reflect(of)
	schema.Version = ""
	return schema
}
