package picture

// groundStep is the distance of the places at which a ground is worked out; the
// pixels between are interpolated.
const groundStep = 16

// ground paints the whole canvas with a smooth function of the place, each
// coordinate from 0 to 1.
func (c *canvas) ground(at func(x, y float64) rgb) {
	bounds := c.img.Bounds()
	columns := bounds.Dx()/groundStep + 2
	row := func(y int) []rgb {
		colors := make([]rgb, columns)
		for i := range colors {
			colors[i] = at(float64(i*groundStep)/c.w, float64(y)/c.h)
		}
		return colors
	}
	upper, lower := row(0), row(groundStep)
	between := make([]rgb, columns)
	for y := range bounds.Dy() {
		if y > 0 && y%groundStep == 0 {
			upper, lower = lower, row(y+groundStep)
		}
		for i := range between {
			between[i] = upper[i].mix(lower[i], float64(y%groundStep)/groundStep)
		}
		c.groundRow(y, between)
	}
}

func (c *canvas) groundRow(y int, colors []rgb) {
	pixels := c.img.Pix[y*c.img.Stride:][:c.img.Stride]
	for i := 0; i+1 < len(colors); i++ {
		r, g, b := fixedPoint(colors[i].r), fixedPoint(colors[i].g), fixedPoint(colors[i].b)
		dr, dg, db := (fixedPoint(colors[i+1].r)-r)/groundStep, (fixedPoint(colors[i+1].g)-g)/groundStep, (fixedPoint(colors[i+1].b)-b)/groundStep
		for x := i * groundStep; x < (i+1)*groundStep && x*4 < len(pixels); x++ {
			p := pixels[x*4 : x*4+4 : x*4+4]
			p[0], p[1], p[2], p[3] = uint8(r>>16), uint8(g>>16), uint8(b>>16), 255
			r, g, b = r+dr, g+dg, b+db
		}
	}
}

func fixedPoint(value float64) int { return int(value * (1 << 16)) }
