export interface Question {
  readonly text: string;
  readonly choices: readonly string[];
  /** The index of the right choice. */
  readonly answer: number;
}

export const QUESTIONS: readonly Question[] = [
  { text: "Which planet has the shortest year?", choices: ["Venus", "Mercury", "Mars", "Earth"], answer: 1 },
  { text: "How many strings does a violin have?", choices: ["Four", "Five", "Six", "Eight"], answer: 0 },
  { text: "Which metal is liquid at 20 °C?", choices: ["Tin", "Lead", "Mercury", "Zinc"], answer: 2 },
  { text: "In which city is the Alhambra?", choices: ["Seville", "Toledo", "Lisbon", "Granada"], answer: 3 },
  { text: "What is the square root of 289?", choices: ["13", "17", "19", "23"], answer: 1 },
  {
    text: "Who wrote “Frankenstein”?",
    choices: ["Mary Shelley", "Jane Austen", "Bram Stoker", "H. G. Wells"],
    answer: 0,
  },
  { text: "Which bird cannot fly?", choices: ["Swift", "Heron", "Kiwi", "Kestrel"], answer: 2 },
];
