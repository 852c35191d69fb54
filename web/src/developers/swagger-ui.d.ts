// What is used of the viewer, whose package has no types.
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface ViewerRequest {
    readonly url: string;
    credentials?: RequestCredentials;
    readonly headers: Record<string, string>;
  }
  interface ViewerOptions {
    readonly domNode: HTMLElement;
    readonly spec: object;
    readonly [option: string]: unknown;
    readonly requestInterceptor: (request: ViewerRequest) => ViewerRequest | Promise<ViewerRequest>;
  }
  const SwaggerUI: (options: ViewerOptions) => unknown;
  export default SwaggerUI;
}
