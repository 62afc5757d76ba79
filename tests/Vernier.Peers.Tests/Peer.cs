using Vernier.Bench;

namespace Vernier.Tests;

/// <summary>llama.cpp's libraries, which VERNIER_LLAMA_CPP names the folder of; tests that need them are skipped where it is not
/// set.</summary>
internal static class Peer
{
    private static readonly Lazy<Ggml> s_ggml = new(() => new Ggml(Folder!));
    private static readonly Lazy<LlamaCpp> s_llama = new(() => new LlamaCpp(Folder!));

    /// <summary>The base library.</summary>
    public static Ggml Ggml => Require(s_ggml);

    /// <summary>The library that runs models.</summary>
    public static LlamaCpp Llama => Require(s_llama);

    private static string? Folder => Environment.GetEnvironmentVariable("VERNIER_LLAMA_CPP");

    private static T Require<T>(Lazy<T> library)
    {
        Assert.SkipWhen(string.IsNullOrEmpty(Folder), "VERNIER_LLAMA_CPP does not name the folder of llama.cpp's libraries");
        return library.Value;
    }
}
