// What a type checker doesn't see. Each rule that is off says why.
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["src/api/schema.ts", "node_modules", "snippets"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers and booleans in a template are what templates are for.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // A handler may begin something that answers for its own failures.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      // `() => doIt()` reads better than a block for each of a hundred handlers.
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      eqeqeq: "error",
      "no-console": "error",
      "max-lines": ["error", 400],
      // Nothing of anybody's becomes markup by way of a string.
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "text, never HTML" },
        { selector: "MemberExpression[property.name='innerHTML']", message: "text, never HTML" },
      ],
    },
  },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked] },
);
