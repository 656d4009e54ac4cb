package config

import "reflect"

// variables maps the fields of Settings to the variables that set them.
var variables = func() map[string]string {
	names := make(map[string]string)
	for field := range reflect.TypeFor[Settings]().Fields() {
		names[field.Name] = field.Tag.Get("env")
	}
	return names
}()
