// Package manifest turns a file that a person wrote into rows, the same every
// time: defaults, items, axes and styles are joined, variables filled in, output
// names made safe. It promises that everything that is wrong in the file is
// reported with file, line and column before anything is spent, and that it
// never holds the rows: a million of them need no more memory than a thousand.
// What only the model can say, its parameters and prices, is for the caller.
//
// Where several levels give the same field, the nearest to the row wins:
//
//	axis > item or line > style > defaults > top of the manifest
//
// A style gives parameters only; parameters are joined one by one, everything
// else is taken whole. In prompts and text parameters {name} is an axis, a
// variable of the item or of the defaults, id, model, seed or parameters.x;
// {style} is the text of the named block. In outputs the same names stand for
// their values made safe, {style} for its name, and n, ext, hash8 and an unknown
// seed stay open. {{ and }} are braces themselves.
package manifest
