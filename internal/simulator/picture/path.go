package picture

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// point is a place in a shape's own square of 100 by 100, or in pixels.
type point struct{ x, y float64 }

// path is a closed outline, or several: moves, lines and cubic curves ('M', 'L',
// 'C'), and the closing of an outline ('Z'), with the points of all of them.
type path struct {
	commands []byte
	points   []point
}

// arguments is how many numbers each command takes. M, L, C and Z are as in SVG; E is
// an ellipse (centre, radii), a hole where one radius is negative, R a box with round
// corners (corner, size, radius).
var arguments = map[string]int{"M": 2, "L": 2, "C": 6, "Z": 0, "E": 4, "R": 5}

// parsePath reads a path such as "M 10 10 L 90 10 L 90 90 Z".
func parsePath(text string) (path, error) {
	var p path
	fields := strings.Fields(text)
	for len(fields) > 0 {
		count, known := arguments[fields[0]]
		if !known || count >= len(fields) {
			return p, fmt.Errorf("path %q: command %q is not known or too short", text, fields[0])
		}
		n := make([]float64, count)
		for i := range n {
			var err error
			if n[i], err = strconv.ParseFloat(fields[1+i], 64); err != nil {
				return p, fmt.Errorf("path %q: %w", text, err)
			}
		}
		switch command := fields[0]; command {
		case "E":
			p = p.ellipse(n[0], n[1], n[2], n[3])
		case "R":
			p = p.box(n[0], n[1], n[2], n[3], n[4])
		default:
			p = p.add(command[0], n...)
		}
		fields = fields[1+count:]
	}
	return p, nil
}

func (p path) add(command byte, numbers ...float64) path {
	p.commands = append(p.commands, command)
	for pair := range slices.Chunk(numbers, 2) {
		p.points = append(p.points, point{pair[0], pair[1]})
	}
	return p
}

// roundness places the handles of a curve that looks like a quarter circle.
const roundness = 0.5523

func (p path) ellipse(cx, cy, rx, ry float64) path {
	kx, ky := rx*roundness, ry*roundness
	return p.add('M', cx+rx, cy).
		add('C', cx+rx, cy+ky, cx+kx, cy+ry, cx, cy+ry).
		add('C', cx-kx, cy+ry, cx-rx, cy+ky, cx-rx, cy).
		add('C', cx-rx, cy-ky, cx-kx, cy-ry, cx, cy-ry).
		add('C', cx+kx, cy-ry, cx+rx, cy-ky, cx+rx, cy).
		add('Z')
}

func (p path) box(x, y, w, h, r float64) path {
	k := r * (1 - roundness)
	return p.add('M', x+r, y).add('L', x+w-r, y).
		add('C', x+w-k, y, x+w, y+k, x+w, y+r).add('L', x+w, y+h-r).
		add('C', x+w, y+h-k, x+w-k, y+h, x+w-r, y+h).add('L', x+r, y+h).
		add('C', x+k, y+h, x, y+h-k, x, y+h-r).add('L', x, y+r).
		add('C', x, y+k, x+k, y, x+r, y).add('Z')
}

// placing maps a shape's square onto the canvas: turned around its middle, scaled, and
// moved there.
type placing struct {
	middle point   // on the canvas
	scale  float64 // pixels of one hundredth of the square
	turn   float64 // radians
}

func (p path) placed(t placing) path {
	moved := path{p.commands, make([]point, len(p.points))}
	sin, cos := math.Sincos(t.turn)
	for i, at := range p.points {
		x, y := at.x-50, at.y-50
		moved.points[i] = point{t.middle.x + t.scale*(x*cos-y*sin), t.middle.y + t.scale*(x*sin+y*cos)}
	}
	return moved
}

// bounds is the box of pixels around a path.
func (p path) bounds() image.Rectangle {
	var box image.Rectangle
	for _, at := range p.points {
		x, y := int(math.Floor(at.x)), int(math.Floor(at.y))
		box = box.Union(image.Rect(x, y, x+1, y+1))
	}
	return box
}

// trace hands the path over, as seen from an origin.
func (p path) trace(to *vector.Rasterizer, origin image.Point) {
	points := p.points
	next := func() (x, y float32) {
		at := points[0]
		points = points[1:]
		return float32(at.x) - float32(origin.X), float32(at.y) - float32(origin.Y)
	}
	for _, command := range p.commands {
		switch command {
		case 'M':
			to.MoveTo(next())
		case 'L':
			to.LineTo(next())
		case 'C':
			ax, ay := next()
			bx, by := next()
			cx, cy := next()
			to.CubeTo(ax, ay, bx, by, cx, cy)
		case 'Z':
			to.ClosePath()
		}
	}
}
