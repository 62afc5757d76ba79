using Vernier.Files;

namespace Vernier.Tests.Files;

/// <summary>What .NET throws where there is no room, and what becomes of it.</summary>
public sealed class OutputFileTests
{
    private const int Full = 28, Reservation = unchecked((int)0x80131620);

    [Fact]
    public void ADiskThatIsFullIsSaidWithItsRemedy()
    {
        IOException error = Assert.IsType<IOException>(OutputFile.Failure("x/y", new IOException("No space left on device", Full)));
        Assert.Equal("x/y: the disk is full. Make room, or write to another disk.", error.Message);
        Assert.Equal(Full, error.InnerException!.HResult);
    }

    [Fact]
    public void AFileThatIsTooLargeIsSaidWithItsRemedy() => Assert.Equal(
        "x/y: the file would be larger than this process or this file system may write. Raise the limit on the size of files, or write to "
        + "another disk.", OutputFile.Failure("x/y", new ArgumentOutOfRangeException("value",
            "Specified file length was too large for the file system."))!.Message);

    [Fact]
    public void OtherErrorsStayWhatTheyAre()
    {
        foreach (Exception other in (Exception[])[new IOException("broken", Reservation), new ArgumentOutOfRangeException("firstByte"),
            new ArgumentOutOfRangeException("value"),
            new UnauthorizedAccessException()])
        {
            Assert.Null(OutputFile.Failure("x", other));
            Assert.Same(other, Record.Exception(() => OutputFile.Do("x", () => throw other)));
        }
        Assert.EndsWith("x: the disk is full. Make room, or write to another disk.",
            Assert.Throws<IOException>(() => OutputFile.Do("x", () => throw new IOException("", Full))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADeviceThatIsFullIsAnError()
    {
        if (!File.Exists("/dev/full"))
            return;
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        Assert.Equal("/dev/full: the disk is full. Make room, or write to another disk.",
            Assert.Throws<IOException>(() => OutputFile.Write(file, "/dev/full", [1, 2, 3], 0)).Message);
    }

    [Fact]
    public void AFileHasItsSizeAtOnceAndNoFolderIsNoFullDisk()
    {
        using var folder = new TempFolder();
        using (Microsoft.Win32.SafeHandles.SafeFileHandle file = OutputFile.Create(folder["a"], 5000))
            OutputFile.Write(file, folder["a"], [7], 4999);
        byte[] bytes = File.ReadAllBytes(folder["a"]);
        Assert.Equal((5000, 7), (bytes.Length, bytes[^1]));
        Assert.Throws<DirectoryNotFoundException>(() => OutputFile.Create(folder["b/c"], 5000));
    }
}
