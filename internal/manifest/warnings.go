package manifest

import (
	"regexp"
	"strings"
)

// checkPrompt reports a prompt that nothing can be seen of, and warns of what other
// tools would replace in it.
func (b *builder) checkPrompt() {
	prompt := b.row.Prompt
	if prompt != "" && strings.TrimSpace(prompt) == "" {
		b.report("prompt", "write one, or take the row out", "the prompt holds only blanks")
	}
	b.checkWildcards("prompt", prompt)
	for name, value := range b.row.Parameters {
		if text, ok := value.(string); ok {
			b.checkWildcards(parameterPrefix+name, text)
		}
	}
}

// wildcards is the syntax by which other tools draw a part of a prompt: __color__,
// {red|green}, [red|green], <random:red,green>, <wildcard:color>.
var wildcards = regexp.MustCompile(`__[A-Za-z][\w/*-]*__|[{\[][^{}\[\]|]*\|[^{}\[\]]*[}\]]|<(?:random|wildcard|wc|choose|repeat|alternate)\b[^>]*>`)

// loras is the syntax by which other tools name a LoRA in a prompt.
var loras = regexp.MustCompile(`<(?:lora|lyco|hypernet):[^>]*>`)

// mostShown bounds how many wildcards of a prompt are shown.
const mostShown = 5

func (b *builder) checkWildcards(name, text string) {
	if !strings.ContainsAny(text, "<|") && !strings.Contains(text, "__") {
		return
	}
	if found := wildcards.FindAllString(text, mostShown); len(found) > 0 {
		b.warn(name, "in place of "+quoteShort(strings.Join(found, " "))+" "+wildcardHint, "the text holds wildcards of other tools, which go to the model as they stand")
	}
	if found := loras.FindString(text); found != "" {
		b.warn(name, "name "+quoteShort(found)+" in the parameters of the row, as the model calls it", "the text names a LoRA, which goes to the model as it stands")
	}
}

// wildcardHint says how a part of a prompt is varied.
const wildcardHint = "write {color} in the prompt and axes: {product: {color: [red, green]}}, which makes every one; " +
	"with sample: {n: 1} beside product, one is drawn for each row"

// checkStyle warns of a style whose text no prompt and no parameter of the row asks
// for.
func (b *builder) checkStyle() {
	if b.style != nil && b.style.text != "" && !b.styled {
		b.warn(styleAxis, "write {style} where the text belongs", "the row has a style, but its prompt has no {style}: the text of the style is not sent")
	}
}
