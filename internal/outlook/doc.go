// Package outlook says what a batch comes to: in which words it ended, what it will have
// cost in the end and how long that takes. All commands, the report and the contact sheet
// take these from here, so that they say the same of the same moment.
package outlook
