using System.Text;
using Vernier.Errors;
using Vernier.Inference;
using Vernier.Inference.Architectures;
using Vernier.Inference.Decoders;

namespace Vernier.Tests.Architectures;

/// <summary>docs/architectures.md says what runs here and what it was compared with; with VERNIER_ACCEPT_SNAPSHOTS it is written
/// anew.</summary>
public class ArchitectureTableTests
{
    [Fact]
    public void TheTableSaysWhatRuns()
    {
        Assert.SkipWhen(ReferenceFolders.All.Count == 0, "the tiny networks are not on this machine");
        string path = Path.Combine(SharedData.Root, "docs", "architectures.md"), expected = Table();
        if (Environment.GetEnvironmentVariable("VERNIER_ACCEPT_SNAPSHOTS") is not null)
            File.WriteAllText(path, expected);
        Assert.Equal(expected, File.ReadAllText(path));
    }

    [Fact]
    public void WhatDoesNotRunIsRefusedByName()
    {
        foreach ((string folder, (string rule, string _)) in ReferenceFolders.Exceptions)
        {
            if (!ReferenceFolders.All.Contains(folder))
                continue;
            using var work = new TempFolder();
            ReferenceFolders.Copy(folder, "", work.Path);
            VernierException error = Assert.ThrowsAny<VernierException>(() => LanguageModel.Load(work.Path));
            Assert.Equal(rule, error.Rule);
        }
    }

    private static string Table()
    {
        var text = new StringBuilder();
        text.Append("# Architectures\n\n");
        text.Append("Written by a test (ArchitectureTableTests). What is compared: a tiny network of random weights that the Hugging "
            + "Face\n");
        text.Append("library ran, its logits of two prompts and of a greedy continuation, with a state and without, within 2e-4 of the\n");
        text.Append("largest logit. \"as written\" are files as the library writes them, \"as published\" those of published "
            + "checkpoints\n");
        text.Append("where they have other names. A dash: no such network was at hand.\n\n");
        text.Append("| `model_type` | networks compared as written | as published | GGUF |\n|---|---|---|---|\n");
        ILookup<string, string> folders = ReferenceFolders.All.Where(folder => !ReferenceFolders.Exceptions.ContainsKey(folder))
            .ToLookup(ReferenceFolders.ModelTypeOf);
        foreach (IArchitecture architecture in ArchitectureCatalogue.All
            .Where(known => known.GetType().Assembly == typeof(LanguageModel).Assembly).OrderBy(known => known.ModelType,
                StringComparer.Ordinal))
        {
            string[] own = [.. folders[architecture.ModelType]];
            text.Append($"| `{architecture.ModelType}` | {Join(own)} | "
                + $"{Join([.. own.Where(folder => ReferenceFolders.Has(folder, ".hub"))])} "
                + $"| {(architecture.Gguf is null ? "no" : "yes")} |\n");
        }
        text.Append("\nNot run:\n\n");
        foreach ((string folder, (string _, string reason)) in ReferenceFolders.Exceptions)
            text.Append($"- {folder}: {reason}\n");
        return text.ToString();
    }

    private static string Join(string[] names) => names.Length == 0 ? "–" : string.Join(", ", names);
}
