using Vernier.Numerics;
using Vernier.Quantization.Pipeline;

namespace Vernier.Tests.Pipeline;

/// <summary>Outputs that appear whole or not at all, and the files and hashes beside them.</summary>
public sealed class OutputFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>What is in the place of an output, and what is said: of a folder, and of a file.</summary>
    [Theory]
    [InlineData("nothing", false, false, null, null)]
    [InlineData("empty", false, false, null, "output-kind")]
    [InlineData("file", false, false, "output-kind", "output-exists")]
    [InlineData("file", true, false, "output-kind", null)]
    [InlineData("full", false, false, "output-exists", "output-kind")]
    [InlineData("full", false, true, "output-exists", "output-kind")]
    [InlineData("full", true, false, null, "output-kind")]
    [InlineData("finished", false, false, "output-exists", "output-kind")]
    [InlineData("finished", false, true, null, "output-kind")]
    [InlineData("unfinished", false, false, "output-unfinished", "output-unfinished")]
    [InlineData("unfinished", true, false, null, null)]
    [InlineData("unfinished", false, true, null, null)]
    [InlineData("begun", false, false, null, null)]
    public void WhatStandsInTheWayIsRefused(string there, bool replace, bool resume, string? ofFolder, string? ofFile)
    {
        string target = _folder["out"];
        if (there is "empty" or "full" or "finished")
            Directory.CreateDirectory(target);
        if (there is "file")
            File.WriteAllText(target, "");
        if (there is "full" or "finished")
            File.WriteAllText(Path.Combine(target, there == "full" ? "letter.txt" : "report.json"), "");
        if (there is "unfinished" or "begun")
            Directory.CreateDirectory(Path.Combine(target + ".partial", "journal"));
        if (there is "unfinished")
            File.WriteAllText(Path.Combine(target + ".partial", "journal", "00000.matrix.json"), "");
        Dictionary<string, string> before = Content();
        Check(ofFolder, isFile: false);
        Check(ofFile, isFile: true);
        Assert.Equal(before, Content());

        void Check(string? rule, bool isFile)
        {
            if (rule is null)
                OutputFolder.Check(target, replace, resume, isFile);
            else
                Assert.Equal(rule, Assert.Throws<OutputException>(() => OutputFolder.Check(target, replace, resume, isFile)).Rule);
        }
    }

    [Fact]
    public void AFolderGetsItsNameAtTheEnd()
    {
        using (var output = new OutputFolder(_folder["out"] + Path.DirectorySeparatorChar, replace: false))
        {
            Assert.Equal(_folder["out.partial"], output.Partial);
            File.WriteAllText(Path.Combine(output.Result, "model"), "new");
            Assert.False(Directory.Exists(_folder["out"]));
            output.Complete();
            Assert.Equal("new", File.ReadAllText(_folder["out/model"]));
        }
        Assert.Equal(["out"], _folder.Names);
    }

    [Fact]
    public void WhatIsReplacedStaysUntilThen()
    {
        Directory.CreateDirectory(_folder["out"]);
        Directory.CreateDirectory(_folder["out.replaced"]);
        File.WriteAllText(_folder["out/old"], "");
        using (var output = new OutputFolder(_folder["out"], replace: true))
        {
            File.WriteAllText(Path.Combine(output.Result, "new"), "");
            Assert.True(File.Exists(_folder["out/old"]));
            output.Complete();
        }
        Assert.Equal(["out"], _folder.Names);
        Assert.Equal(["new"], Directory.EnumerateFiles(_folder["out"]).Select(Path.GetFileName));
    }

    /// <summary>A folder that has come into being meanwhile is not lost.</summary>
    [Fact]
    public void WhatHasComeMeanwhileIsKept()
    {
        using (var output = new OutputFolder(_folder["out"], replace: false))
        {
            Directory.CreateDirectory(_folder["out"]);
            File.WriteAllText(_folder["out/letter.txt"], "dear");
            Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>(output.Complete).Rule);
        }
        Assert.Equal("dear", File.ReadAllText(_folder["out/letter.txt"]));
    }

    [Fact]
    public void AFileGetsItsNameWithItsReport()
    {
        File.WriteAllText(_folder["m.gguf"], "old");
        File.WriteAllText(_folder["m.gguf.report.json"], "old");
        using (var output = new OutputFolder(_folder["m.gguf"], replace: true, isFile: true))
        {
            File.WriteAllText(Path.Combine(output.Result, OutputFolder.FileName), "new");
            File.WriteAllText(Path.Combine(output.Result, "report.json"), "new");
            output.Complete();
        }
        Assert.Equal(["m.gguf", "m.gguf.report.json"], _folder.Names);
        Assert.All(_folder.Names, name => Assert.Equal("new", File.ReadAllText(_folder[name])));
        Assert.Equal(_folder["m.gguf.report.json"], OutputFolder.ReportOf(_folder["m.gguf"], isFile: true));
        Assert.Equal(_folder["m/report.json"], OutputFolder.ReportOf(_folder["m"], isFile: false));
    }

    [Fact]
    public void OnlyWorkThatIsInTheJournalIsKept()
    {
        using (var output = new OutputFolder(_folder["out"], replace: false))
            File.WriteAllText(Path.Combine(output.Result, "half"), "");
        Assert.Empty(_folder.Names);
        using (var output = new OutputFolder(_folder["out"], replace: false))
        {
            Directory.CreateDirectory(output.Journal);
            File.WriteAllText(Path.Combine(output.Journal, "00000.matrix.json"), "");
        }
        Assert.Equal(["out.partial"], _folder.Names);
        using (var output = new OutputFolder(_folder["out"], replace: false, resume: true))
        {
            Assert.True(File.Exists(Path.Combine(output.Journal, "00000.matrix.json")));
            Assert.Equal(OutputException.InUse, Assert.Throws<OutputException>(
                () => new OutputFolder(_folder["out"], replace: false, resume: true)).Rule);
        }
        using (var output = new OutputFolder(_folder["out"], replace: true))
            Assert.False(Directory.Exists(output.Journal));
        Assert.Empty(_folder.Names);
    }

    /// <summary>A file is hashed in pieces of 16 MiB, an array in pieces of 1 MiB.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData((16 << 20) + 5)]
    public void HashesAreThoseOfTheHashesOfPieces(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        File.WriteAllBytes(_folder["f"], bytes);
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            Assert.Equal(Pieces(bytes, 16 << 20), ContentHash.OfFile(_folder["f"], workers, default));
            Assert.Equal(Pieces(bytes, 1 << 20), ContentHash.OfPieces([bytes], workers));
            Assert.NotEqual(ContentHash.OfPieces([bytes], workers), ContentHash.OfPieces([bytes, new byte[1]], workers));
        }
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)),
            ContentHash.Of([bytes.AsMemory(0, length / 3), bytes.AsMemory(length / 3)]));
        if (length > 0)
            Assert.Throws<OperationCanceledException>(
                () => ContentHash.OfFile(_folder["f"], Workers.Shared, new CancellationToken(canceled: true)));

        static string Pieces(byte[] all, int size) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
            [.. all.Chunk(size).SelectMany(piece => System.Security.Cryptography.SHA256.HashData(piece))]));
    }

    [Fact]
    public void ASmallFileTakesThePlaceOfAnother()
    {
        File.WriteAllText(_folder["a"], "a long text that was there");
        File.WriteAllText(_folder["a.partial"], "what a run has left that was killed");
        DurableFile.Write(_folder["a"], "short"u8, durable: false);
        DurableFile.Write(_folder["b"], []);
        Assert.Equal("short", File.ReadAllText(_folder["a"]));
        Assert.Empty(File.ReadAllBytes(_folder["b"]));
        Assert.Equal(["a", "b"], _folder.Names);
    }

    [Fact]
    public void FingerprintsTellWhatDiffers()
    {
        string long1 = new('a', 41), long2 = new('b', 41);
        Fingerprint before = Of(("bits", "4"), ("recipe", "rtn"), ("file", long1), ("gone", "x")),
            now = Of(("bits", "3"), ("recipe", "rtn"), ("file", long2), ("new", "y"));
        Assert.Equal("bits (4 then, 3 now), file, new (none then, y now), gone (x then, none now)", now.Differences(before));
        Assert.Empty(now.Differences(now));
        Assert.Empty(Fingerprint.Parse(now.ToJson())!.Differences(now));
        Assert.Equal(now.Parts.Keys, Fingerprint.Parse(now.ToJson())!.Parts.Keys);
        foreach (string bad in (string[])["", "null", "[1]", """{"bits":4}""", """{"bits":"4" """])
            Assert.Null(Fingerprint.Parse(System.Text.Encoding.UTF8.GetBytes(bad)));

        static Fingerprint Of(params (string Name, string Value)[] parts) => new(new OrderedDictionary<string, string>(
            parts.Select(part => KeyValuePair.Create(part.Name, part.Value))));
    }

    private Dictionary<string, string> Content() => Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => File.Exists(path) ? File.ReadAllText(path) : "", StringComparer.Ordinal);
}
